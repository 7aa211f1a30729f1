import Copying
import Files
import Glibc
import Ledger
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// Copies that a disk failed: the next attempt goes to another volume, where there is one.
@Suite(.serialized) struct ElsewhereTests {
    private static let two = [
        (name: "a", rest: "priority = 1\nwatermark = \"99%\""), (name: "b", rest: "priority = 2\nwatermark = \"99%\""),
    ]

    private func files(_ site: DeliverySite) throws -> [String: Int] {
        let paths = try site.scratch.files(below: "volumes").filter { $0.lastComponent != VolumeMarker.name.bytes }
        return Dictionary(grouping: paths) { String(decoding: $0.components.first ?? [], as: UTF8.self) }
            .mapValues(\.count)
    }

    private func volume(of replica: Replica?, _ worker: Worker) async throws -> VolumeName? {
        let names = await worker.roster.names()
        return replica.flatMap { names[$0.content.volume] }
    }

    @Test(arguments: [FileCall.write, .syncFile, .link, .syncDirectory])
    func `what fails on one disk is on another at once, and what was begun is swept`(call: FileCall) async throws {
        try await DeliverySite.with { site in
            let hasFailed = Atomic(false)
            let calls = FaultyFiles { made, _ in
                made == call && !hasFailed.exchange(true, ordering: .relaxed) ? .fail(EIO) : nil
            }
            let narrator = MemoryNarrator()
            let worker = try await site.worker(
                "one", calls: calls, settings: try site.volumes(ElsewhereTests.two), narrator: narrator)
            let recording = try await site.record(1)
            let outcome = await worker.deliver(try await worker.claim(recording))
            #expect(try await volume(of: outcome?.replica, worker) == VolumeName("b"), "\(String(describing: outcome))")
            let told = narrator.entries(of: .copyElsewhere)
            #expect(told.count == 1 && told.allSatisfy { $0.missingFacts.isEmpty && $0.undeclaredFacts.isEmpty })
            #expect(narrator.entries(of: .durabilityFailed).count == 1)
            // That b took it was no want of room on a.
            #expect(narrator.entries(of: .placementSpilled).isEmpty && narrator.entries(of: .allFull).isEmpty)
            try await site.expireAll()
            try await worker.sweep()
            #expect(try files(site) == ["b": 1])
            #expect(try await site.count("callrec.cfiles") == 1)
            #expect(try await site.count("takeup.intent where state <> 'swept'") == 0)
        }
    }

    @Test func `all that one failed sync took with it go elsewhere together, and are told of once`() async throws {
        try await DeliverySite.with { site in
            let hasFailed = Atomic(false)
            let calls = FaultyFiles { call, _ in
                call == .syncFileSystem && !hasFailed.exchange(true, ordering: .relaxed) ? .fail(EIO) : nil
            }
            let narrator = MemoryNarrator()
            let worker = try await site.worker(
                "one", calls: calls, settings: try site.volumes(ElsewhereTests.two), narrator: narrator)
            var recordings: [SourceRecording] = []
            for id in 1...12 { recordings.append(try await site.record(Int64(id))) }
            let outcomes = await worker.deliverer.deliver(try await worker.claim(all: recordings, limit: 12))
            #expect(outcomes.count == 12 && outcomes.allSatisfy { $0.replica != nil }, "\(outcomes)")
            let told = narrator.entries(of: .copyElsewhere)
            #expect(told.count == 1)
            #expect(told.first?.facts.first { $0.name == .count }?.value == "12")
            try await site.expireAll()
            try await worker.sweep()
            #expect(try files(site) == ["b": 12])
        }
    }

    @Test func `where no other has room it waits, and what is told is the disk`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, ElsewhereTests.two)
            let (worker, narrator) = try await scene.process("one")
            scene.leave(0.0001, on: "b")
            scene.fail(.syncFile, with: EIO)
            #expect(try await scene.deliver(1, by: worker)?.code == .durability)
            #expect(narrator.entries(of: .durabilityFailed).count == 1)
            #expect(narrator.entries(of: .copyElsewhere).isEmpty && narrator.entries(of: .allFull).isEmpty)
            #expect(try await site.count("takeup.problem where kind = 'no-room'") == 0)
        }
    }

    @Test func `where two disks fail it, it is tried on no third at once`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, ElsewhereTests.two + [(name: "c", rest: "priority = 3")])
            let (worker, narrator) = try await scene.process("one")
            scene.fail(.syncFile, with: EIO)
            #expect(try await scene.deliver(1, by: worker)?.code == .durability)
            let told = narrator.entries(of: .durabilityFailed).compactMap { entry in
                entry.facts.first { $0.name == .volume }?.value
            }
            #expect(told == ["a", "b"])
            #expect(narrator.entries(of: .copyElsewhere).isEmpty)
            #expect(try await site.count("callrec.cfiles") == 0)
        }
    }
}
