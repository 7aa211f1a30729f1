import Planning
import Support
import Vocabulary

/// What a file system shows of a slowly written file at a time.
struct WrittenFile: Hashable, Sendable {
    var isThere = false
    var cells: [UInt8] = []
    /// Cells whose space was set aside: no holes, where the file system does not tell.
    var isAllocated = false
    var inode: UInt64 = 1
    var modified: Int64 = 0
    var changed: Int64 = 0

    var hasHoles: Bool { cells.contains(0) }
}

/// A slowly written file and its row in time, as an agent can see them. Times are microseconds.
struct WrittenHistory: Sendable {
    let writer: SlowWriter
    /// Whether the file system tells of holes.
    let tellsHoles: Bool
    private var states: [(at: Int64, file: WrittenFile)] = []

    /// - Parameters:
    ///   - grain: of the file system's stamps, in nanoseconds.
    ///   - skew: of its clock, in seconds.
    init(_ writer: SlowWriter, grain: Int64, skew: Int64, tellsHoles: Bool) {
        self.writer = writer
        self.tellsHoles = tellsHoles
        let isPublished = writer.steps.contains { $0.step == .publish }
        var file = WrittenFile()
        for (at, step) in writer.steps {
            // Never a whole second by chance.
            let nanoseconds = at * 1000 + 137
            let stamp = (nanoseconds / grain) * grain + skew * 1_000_000_000
            func change() { (file.modified, file.changed) = (stamp, stamp) }
            switch step {
            case .create:
                file.isThere = !isPublished
                change()
            case .extend(let to), .allocate(let to):
                if case .allocate = step { file.isAllocated = true }
                while file.cells.count < to { file.cells.append(0) }
                change()
            case .write(let cells, let version):
                while file.cells.count < cells.upperBound { file.cells.append(0) }
                for cell in cells { file.cells[cell] = version }
                change()
            case .truncate(let to):
                file.cells.removeLast(file.cells.count - min(to, file.cells.count))
                change()
            case .stamp(let shift):
                file.modified = stamp + Int64(shift) * 1_000_000_000
                file.changed = stamp
            case .touch: file.changed = stamp
            case .publish:
                file.isThere = true
                file.changed = stamp
            case .replace(let cells, let version):
                file = WrittenFile(
                    isThere: true, cells: [UInt8](repeating: version, count: cells), inode: file.inode + 1)
                change()
            case .close: break
            }
            states.append((at, file))
        }
    }

    func file(at time: Int64) -> WrittenFile {
        var (low, high) = (0, states.count)
        while low < high {
            let middle = (low + high) / 2
            if states[middle].at <= time { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? WrittenFile() : states[low - 1].file
    }

    func row(at time: Int64) -> SlowWriter.Row {
        writer.rows.last { $0.at <= time }?.row ?? SlowWriter.Row(isFinished: false, size: nil, hasChecksum: false)
    }

    var finalFile: WrittenFile { states.last?.file ?? WrittenFile() }
    /// When file and row have come to rest.
    var end: Int64 { max(writer.steps.last?.at ?? 0, writer.rows.last?.at ?? 0) }

    func look(_ file: WrittenFile) -> FileLook {
        FileLook(
            size: Int64(file.cells.count) * writer.cellBytes, modified: file.modified, changed: file.changed,
            inode: file.inode, hasHoles: tellsHoles && !file.isAllocated && file.hasHoles)
    }

    /// - Parameter visible: cells that an attribute cache lets a reader see.
    func wholeness(of file: WrittenFile, visible: Int) -> Wholeness {
        let cells = Array(file.cells.prefix(visible))
        let size = Int64(visible) * writer.cellBytes
        let read: Container.Read<Never> = { offset, count in
            writer.bytes(of: cells, from: offset, count: count)
        }
        let head = read(0, 16)
        guard let format = ContainerFormat(name: FilePath(writer.fileName), firstBytes: head) else { return .unknown }
        return Container.check(format, size: size, read: read)
    }
}
