import Glibc
import Testing

@testable import Watching

@Suite struct InotifyReaderTests {
    @Test func `events are parsed with names of all lengths, and a cut tail is left out`() {
        var bytes: [UInt8] = []
        func append(_ watch: Int32, _ mask: UInt32, _ name: String, padding: Int) {
            withUnsafeBytes(of: watch) { bytes += $0 }
            withUnsafeBytes(of: mask) { bytes += $0 }
            withUnsafeBytes(of: UInt32(0)) { bytes += $0 }
            withUnsafeBytes(of: UInt32(name.utf8.count + padding)) { bytes += $0 }
            bytes += Array(name.utf8) + [UInt8](repeating: 0, count: padding)
        }
        append(1, 8, "a.mp3", padding: 11)
        append(-1, 0x4000, "", padding: 0)
        append(7, 0x100, "0123456789abcdef", padding: 16)
        let whole: [InotifyEvent] = [
            InotifyEvent(watch: 1, mask: 8, name: Array("a.mp3".utf8)), InotifyEvent(watch: -1, mask: 0x4000),
            InotifyEvent(watch: 7, mask: 0x100, name: Array("0123456789abcdef".utf8)),
        ]
        #expect(bytes.withUnsafeBytes { InotifyEvent.parse($0) } == whole)
        let cut = Array(bytes.dropLast())
        #expect(cut.withUnsafeBytes { InotifyEvent.parse($0) } == Array(whole.dropLast()))
    }

    @Test(arguments: [
        (UInt32(IN_Q_OVERFLOW), InotifyEvent.Meaning.overflow), (UInt32(IN_UNMOUNT) | 0x4000_0000, .unmounted),
        (UInt32(IN_IGNORED), .watchEnded), (UInt32(IN_DELETE_SELF), .directoryLeft),
        (UInt32(IN_MOVE_SELF), .directoryLeft), (UInt32(IN_CREATE) | 0x4000_0000, .directoryCame),
        (UInt32(IN_MOVED_TO) | 0x4000_0000, .directoryCame), (UInt32(IN_CREATE), .fileCreated),
        (UInt32(IN_CLOSE_WRITE), .fileReady), (UInt32(IN_MOVED_TO), .fileReady), (UInt32(IN_ACCESS), .nothing),
    ])
    func `an event's mask has a meaning`(mask: UInt32, meaning: InotifyEvent.Meaning) {
        #expect(InotifyEvent(watch: 1, mask: mask).meaning == meaning)
    }

    @Test func `what is written in a watched directory arrives, and the end of a watch as its last event`() async throws
    {
        let scratch = try Scratch()
        let reader = try InotifyReader()
        try reader.start()
        let descriptor = open(scratch.path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard case .watched(let number) = reader.watch(directory: descriptor) else {
            Issue.record("no watch")
            return
        }
        #expect(reader.watch(directory: descriptor) == .watched(number))
        try scratch.write("one.mp3")
        let log = EventLog(reader)
        #expect(await waitUntil { log.meanings(of: number) == [.fileCreated, .fileReady] })
        reader.unwatch(number)
        try scratch.write("two.mp3")
        #expect(await waitUntil { log.meanings(of: number).last == .watchEnded })
        #expect(log.meanings(of: number) == [.fileCreated, .fileReady, .watchEnded])
    }

    @Test func `a file is no directory to watch`() throws {
        let scratch = try Scratch()
        try scratch.write("file")
        let reader = try InotifyReader()
        let descriptor = open(scratch.at("file"), O_RDONLY)
        defer { close(descriptor) }
        #expect(reader.watch(directory: descriptor) == .refused(ENOTDIR))
    }

    @Test func `readers that go give their instance and their thread back`() async throws {
        let before = openDescriptors()
        for _ in 0..<200 {
            let reader = try InotifyReader()
            try reader.start()
        }
        #expect(await waitUntil { openDescriptors() < before + 100 })
    }
}

private final class EventLog: @unchecked Sendable {
    private let reader: InotifyReader
    private var events: [InotifyEvent] = []
    init(_ reader: InotifyReader) { self.reader = reader }

    func meanings(of number: WatchNumber) -> [InotifyEvent.Meaning] {
        events += reader.take().events
        return events.filter { $0.watch == number }.map(\.meaning)
    }
}

private func openDescriptors() -> Int {
    guard let stream = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(stream) }
    var count = 0
    while readdir(stream) != nil { count += 1 }
    return count
}
