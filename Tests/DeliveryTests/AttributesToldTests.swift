import Copying
import Files
import Glibc
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

@Suite(.serialized) struct AttributesToldTests {
    @Test(.timeLimit(.minutes(1)))
    func `a volume that keeps no extended attributes is told of once by a process, and its copies count`() async throws
    {
        try await DeliverySite.with { site in
            var recordings = [try await site.record(1), try await site.record(2)]
            recordings.append(try await site.record(3))
            for id in 1...3 {
                let place = site.scratch.path.appending("mount/calls/\(id).mp3").displayText
                let file = open(place, O_RDWR)
                defer { close(file) }
                try Array("north".utf8).withUnsafeBytes {
                    try KernelFiles().setAttribute(file, named: "user.operator", to: $0)
                }
            }
            let narrator = MemoryNarrator()
            let calls = FaultyFiles { call, _ in call == .setAttribute ? .fail(EOPNOTSUPP) : nil }
            let worker = try await site.worker(
                "one", calls: calls, copying: CopySettings(keepsAttributes: true), narrator: narrator)
            for recording in recordings {
                #expect(await worker.deliver(try await worker.claim(recording))?.replica != nil)
            }
            let told = narrator.entries(of: .attributesUnsupported)
            #expect(told.count == 1)
            #expect(narrator.isSound)
            let facts = Dictionary(
                told.flatMap(\.facts).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
            #expect(facts[.volume] == "a" && facts[.errno] == "\(EOPNOTSUPP)", "\(facts)")
            #expect(told.first?.message.contains("a") == true)
        }
    }
}
