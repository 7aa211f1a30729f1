/// How a recorder may write one file and its row, as a list of steps in time: everything that makes a copy that is taken too
/// early a truncated one. The same for the same seed.
///
/// A file consists of cells, half a unit of its container each, so that it can stop in the middle of one.
package struct SlowWriter: Sendable, CustomStringConvertible {
    package enum Container: String, CaseIterable, Sendable {
        case mp3
        /// Boxes one behind the other with the index in front: whole at the end of each.
        case fragments
        /// One large box, and the index behind it.
        case film
        /// A DER message that tells its own length.
        case message
        /// Nothing tells its end.
        case opaque
        /// The same, of units of 64 MiB: larger than its row can say.
        case large
    }

    package enum Step: Hashable, Sendable {
        case create
        /// To this many cells, without writing them: a hole.
        case extend(to: Int)
        /// Space for this many cells, which may look like a hole or not.
        case allocate(to: Int)
        case write(cells: Range<Int>, version: UInt8)
        case truncate(to: Int)
        /// The time of its last change set by a program, in seconds from the file's true one.
        case stamp(shift: Int)
        /// A second name, or other rights: only the attributes change.
        case touch
        /// Another name becomes the file's, as it is.
        case publish
        /// Another whole file takes its name.
        case replace(cells: Int, version: UInt8)
        /// The writer closed it, for now or for good: a local file system tells of it.
        case close
    }

    package struct Row: Hashable, Sendable {
        package var isFinished: Bool
        package var size: Int64?
        /// Its CRC-32 is of what the file holds in the end.
        package var hasChecksum: Bool
        package init(isFinished: Bool, size: Int64?, hasChecksum: Bool) {
            self.isFinished = isFinished
            self.size = size
            self.hasChecksum = hasChecksum
        }
    }

    package let seed: UInt64
    package let container: Container
    /// Whether a cell is larger than two pages, so that a file system can tell of one that was never written.
    package let isPaged: Bool
    /// When, in microseconds, and what.
    package private(set) var steps: [(at: Int64, step: Step)] = []
    package private(set) var rows: [(at: Int64, row: Row)] = []
    /// Cells in the end.
    package private(set) var cellCount = 0
    /// Names of the choices, for whoever reads a failure.
    package private(set) var traits: [String] = []

    /// Bytes.
    package var cellBytes: Int64 { SlowWriter.cellBytes(of: container, isPaged: isPaged) }

    package var description: String {
        let lines = steps.map { "  \($0.at) µs  \($0.step)" }
        let rowLines = rows.map { "  \($0.at) µs  \($0.row)" }
        return (["seed \(seed), \(container), \(traits.joined(separator: ", "))"] + lines + ["row:"] + rowLines)
            .joined(separator: "\n")
    }
}

// MARK: Content

extension SlowWriter {
    /// 128 kbit/s at 44.1 kHz with padding.
    private static let frameBytes = 418

    static func cellBytes(of container: Container, isPaged: Bool) -> Int64 {
        if isPaged { return container == .mp3 ? 20 * Int64(frameBytes) : 8192 }
        switch container {
        case .mp3: return Int64(frameBytes) / 2
        case .fragments, .film, .message, .opaque: return 256
        case .large: return 32 << 20
        }
    }

    /// Bytes of the file where its cells have these versions; 0 is a hole.
    package func bytes(of cells: [UInt8], from offset: Int64, count: Int) -> [UInt8] {
        let end = min(offset + Int64(count), Int64(cells.count) * cellBytes)
        guard offset < end else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(end - offset))
        var position = offset
        while position < end {
            let cell = Int(position / cellBytes)
            let start = Int64(cell) * cellBytes
            let stop = min(end, start + cellBytes)
            let version = cells[cell]
            let head = version > 0 && cell % 2 == 0 ? header(ofUnit: cell / 2) : []
            let inside = Int(position - start)..<Int(stop - start)
            bytes += head.dropFirst(inside.lowerBound).prefix(inside.count)
            let rest = inside.upperBound - max(inside.lowerBound, head.count)
            let fill = version == 0 ? 0 : filler(cell: cell, version: version)
            if rest > 0 { bytes += repeatElement(fill, count: rest) }
            if isPaged && container == .mp3 && version > 0 { putFrames(into: &bytes, ofCellPart: inside) }
            position = stop
        }
        return bytes
    }

    private func putFrames(into bytes: inout [UInt8], ofCellPart part: Range<Int>) {
        let start = bytes.count - part.count
        for frame in stride(from: 0, to: part.upperBound, by: SlowWriter.frameBytes) {
            for (place, byte) in header(ofUnit: 0).enumerated() where part.contains(frame + place) {
                bytes[start + frame + place - part.lowerBound] = byte
            }
        }
    }

    private func filler(cell: Int, version: UInt8) -> UInt8 {
        // Never a frame's first byte, and different for each cell and version.
        0x10 | (UInt8(truncatingIfNeeded: cell) &* 5 &+ version &* 29) & 0x6f
    }

    private func header(ofUnit unit: Int) -> [UInt8] {
        let units = cellCount / 2
        switch container {
        case .mp3: return [0xff, 0xfb, 0x92, 0x00]
        case .fragments: return box(["ftyp", "moov"].indices.contains(unit) ? ["ftyp", "moov"][unit] : "mdat", 1)
        case .film:
            if unit == 0 { return box("ftyp", 1) }
            return unit == units - 1 ? box("moov", 1) : unit == 1 ? box("mdat", units - 2) : []
        case .message:
            guard unit == 0 else { return [] }
            let length = UInt32(Int64(cellCount) * cellBytes - 6)
            let object: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03]
            return [0x30, 0x84] + SlowWriter.bigEndian(length) + object
        case .opaque, .large: return []
        }
    }

    private func box(_ type: String, _ units: Int) -> [UInt8] {
        SlowWriter.bigEndian(UInt32(Int64(units) * 2 * cellBytes)) + Array(type.utf8)
    }

    private static func bigEndian(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) }
    }

    /// Its name's last component.
    package var fileName: String {
        switch container {
        case .mp3: "sound-\(seed).mp3"
        case .fragments, .film: "screen-\(seed).mp4"
        case .message: "sound-\(seed).mp3.p7m"
        case .opaque, .large: "screen-\(seed).recd"
        }
    }
}

// MARK: Making one

extension SlowWriter {
    /// - Parameters:
    ///   - quiet: in microseconds; pauses are chosen around it.
    ///   - longest: in microseconds, the longest that the file or its row may change again after a pause.
    ///   - allowsLarge: also files whose bytes nobody would write.
    package init(seed: UInt64, quiet: Int64, longest: Int64, allowsLarge: Bool = false, isPaged: Bool = false) {
        self.seed = seed
        self.isPaged = isPaged
        var chance = RecorderModelPlan.Chance(state: seed &* 0x2545_f491_4f6c_dd1d)
        let containers = Container.allCases.filter { allowsLarge || $0 != .large }
        container = containers[Int.random(in: 0..<containers.count, using: &chance)]
        var maker = Maker(
            quiet: quiet, longest: longest, unit: SlowWriter.cellBytes(of: container, isPaged: isPaged),
            container: container, chance: chance)
        maker.make()
        steps = maker.steps
        rows = maker.rows
        cellCount = maker.cells
        traits = maker.traits
    }

    private struct Maker {
        let quiet: Int64
        let longest: Int64
        /// Bytes of a cell.
        let unit: Int64
        let container: Container
        var chance: RecorderModelPlan.Chance
        var steps: [(at: Int64, step: Step)] = []
        var rows: [(at: Int64, row: Row)] = []
        var traits: [String] = []
        var cells = 0
        var now: Int64 = 0
        /// Cells that the file has as it is being written, after each step.
        var length = 0

        mutating func one(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &chance) < percent }
        mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &chance) }
        mutating func span(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &chance) }

        mutating func add(_ step: Step, _ trait: String? = nil) {
            steps.append((now, step))
            if let trait, !traits.contains(trait) { traits.append(trait) }
        }

        /// Shorter and longer than the quiet time, and sometimes much longer.
        mutating func pause() {
            now += max(
                5000,
                {
                    switch number(0...19) {
                    case 0...8: span(1000...max(1001, quiet / 4))
                    case 9...13: span(quiet / 4...quiet)
                    case 14...16: span(quiet...quiet * 2)
                    case 17...18: span(quiet * 2...quiet * 12)
                    default: span(min(quiet * 12, longest)...max(quiet * 12, longest))
                    }
                }())
        }

        mutating func make() {
            let units = number(3...14)
            cells = units * 2
            if container == .large { cells = number(33...50) * 2 }
            now = span(0...quiet)
            let began = now
            switch number(0...9) {
            case 0...3: grow()
            case 4: publishLate()
            case 5...6: fill(withHoles: one(50))
            case 7: rewrite()
            default: replaceWhole()
            }
            if one(15) { disturb() }
            writeRows(began: began)
        }

        private mutating func write(from: Int, to: Int, version: UInt8 = 1) {
            var cell = from
            while cell < to {
                let next = min(to, cell + number(1...max(1, (to - from) / 2)))
                add(.write(cells: cell..<next, version: version))
                length = max(length, next)
                cell = next
                if cell < to { pause() }
            }
        }

        /// Up to five segments, closed between them.
        private mutating func grow() {
            add(.create)
            var edges = Set((0..<number(0...4)).map { _ in number(1...cells / 2 - 1) * 2 })
            edges.insert(cells)
            var from = 0
            for (place, edge) in edges.sorted().enumerated() {
                if place > 0 {
                    pause()
                    if one(30) { pause() }
                }
                write(from: from, to: edge)
                add(.close, place > 0 ? "reopened" : "grows")
                from = edge
                mayTouch()
            }
            if one(15) { copyStamp() }
        }

        /// A recorder that copies as rsync does: the time of the last change is of another file.
        private mutating func copyStamp() {
            now += span(1000...quiet / 10 + 1001)
            add(.stamp(shift: -number(3600...200_000)), "stamp of another file")
        }

        private mutating func publishLate() {
            add(.create, "renamed into place")
            let early = one(25)
            let published = early ? number(1...cells - 1) : cells
            write(from: 0, to: published)
            add(.publish)
            if early {
                traits.append("while written")
                pause()
                write(from: published, to: cells)
            }
            add(.close)
        }

        private mutating func fill(withHoles: Bool) {
            add(.create)
            add(withHoles ? .extend(to: cells) : .allocate(to: cells), withHoles ? "sparse" : "preallocated")
            length = cells
            var order = Array(0..<cells)
            switch number(0...2) {
            case 0: break
            case 1:
                // The header last.
                order = Array(2..<cells) + [0, 1]
                traits.append("header last")
            default:
                order.shuffle(using: &chance)
                traits.append("out of order")
            }
            var place = 0
            while place < cells {
                let next = min(cells, place + number(1...cells))
                for cell in order[place..<next] {
                    add(.write(cells: cell..<cell + 1, version: 1))
                    now += 5000
                }
                place = next
                if place < cells { pause() }
            }
            add(.close)
            if one(20) { copyStamp() }
        }

        private mutating func rewrite() {
            add(.create, "truncated and written anew")
            write(from: 0, to: number(1...cells))
            add(.close)
            pause()
            let kept = one(50) ? 0 : number(0...cells / 2)
            add(.truncate(to: kept))
            length = kept
            if one(50) { pause() }
            write(from: kept, to: cells, version: 2)
            add(.close)
        }

        private mutating func replaceWhole() {
            add(.create, "replaced by another")
            let first = one(60) ? cells : number(1...cells)
            write(from: 0, to: first)
            add(.close)
            if one(70) {
                pause()
                add(.replace(cells: cells, version: 2))
                add(.close)
            } else if first < cells {
                pause()
                write(from: first, to: cells)
                add(.close)
            }
        }

        private mutating func mayTouch() {
            if one(12) {
                now += span(1000...quiet)
                add(.touch, "touched")
            }
        }

        private mutating func disturb() {
            pause()
            if one(50) { add(.stamp(shift: one(50) ? 3600 : -3600), "clock set") } else { add(.touch, "touched") }
        }

        private mutating func writeRows(began: Int64) {
            let ended = now
            let size = Int64(cells) * unit
            let finished: Int64
            switch number(0...3) {
            case 0: finished = span(0...began + 1)
            case 1: finished = span(began...ended + 1)
            case 2: finished = max(0, ended - span(0...3000))
            default: finished = ended + span(0...quiet * 3)
            }
            let checksum = container != .large && one(20)
            let unfinished = Row(isFinished: false, size: nil, hasChecksum: false)
            if finished > 0 { rows.append((0, unfinished)) }
            switch number(0...5) {
            case 0...1:
                traits.append("exact size")
                rows.append((finished, Row(isFinished: true, size: wrapped(size), hasChecksum: checksum)))
            case 2...3:
                let none: [Int64?] = [nil, 0, -1, 2_147_483_647]
                traits.append("no size")
                rows.append(
                    (finished, Row(isFinished: true, size: none[number(0...3)], hasChecksum: checksum && one(50))))
            default:
                traits.append("size corrected")
                let stale = wrapped(Int64(cellsNow(at: finished)) * unit)
                rows.append((finished, Row(isFinished: true, size: stale, hasChecksum: false)))
                let corrected = max(finished, ended) + span(1000...quiet * 3)
                rows.append((corrected, Row(isFinished: true, size: wrapped(size), hasChecksum: checksum)))
            }
        }

        /// As a signed column of 32 bits holds it.
        private func wrapped(_ size: Int64) -> Int64 { Int64(Int32(truncatingIfNeeded: size)) }

        private func cellsNow(at time: Int64) -> Int {
            var length = 0
            for (at, step) in steps where at <= time {
                switch step {
                case .create: length = 0
                case .extend(let to), .allocate(let to): length = max(length, to)
                case .write(let cells, _): length = max(length, cells.upperBound)
                case .truncate(let to): length = to
                case .replace(let cells, _): length = cells
                case .stamp, .touch, .publish, .close: break
                }
            }
            return length
        }
    }
}
