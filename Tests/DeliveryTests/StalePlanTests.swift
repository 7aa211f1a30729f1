import Support
import Testing
import Vocabulary

@testable import Delivery

/// Between a plan and its commit the world goes on: the commit asks again.
@Suite(.serialized) struct StalePlanTests {
    @Test(.timeLimit(.minutes(2)))
    func `one recording of two sources that were planned at once is there once, and the late one is looked at again`()
        async throws
    {
        try await DeliverySite.with { site in
            let recording = try await site.record(1)
            var twin = recording
            twin.source = SourceName("rec_b")
            twin.media[0].id = 77
            twin.media[0].path = FilePath("/calls/twin.mp3")
            try site.scratch.write(DeliverySite.content, to: "mount/calls/twin.mp3")
            try await site.plan(twin)
            let worker = try await site.worker("one")
            let both = try await worker.claim(recording, twin, limit: 2)
            #expect(both.count == 2)
            var committed = 0
            var stale = 0
            for consignment in both {
                switch await worker.deliver([consignment]) {
                case .committed: committed += 1
                case .stale: stale += 1
                case .noRoom, .failed, .fenced, .uncommitted, nil: Issue.record("neither committed nor stale")
                }
            }
            #expect(committed == 1 && stale == 1)
            #expect(try await site.count("callrec.couples") == 1)
            #expect(try await site.count("callrec.cfiles") == 1)
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 1)
            #expect(try await site.count("takeup.sighting where state = 'waiting'") == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `two different calls under one sid never become one, also when both were planned before either came`()
        async throws
    {
        try await DeliverySite.with { site in
            let recording = try await site.record(1)
            var other = recording
            other.source = SourceName("rec_b")
            other.start = WallTime(microseconds: (recording.start?.microseconds ?? 0) + 3_600_000_000)
            other.media[0].id = 77
            other.media[0].path = FilePath("/calls/other.mp3")
            try site.scratch.write(DeliverySite.content, to: "mount/calls/other.mp3")
            try await site.plan(other)
            let worker = try await site.worker("one")
            for consignment in try await worker.claim(recording, other, limit: 2) {
                _ = await worker.deliver([consignment])
            }
            #expect(try await site.count("callrec.cfiles") == 1)
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what came to a recording's rows while its file was copied is not covered by the mark`() async throws {
        try await DeliverySite.with { site in
            let recording = try await site.record(1)
            let worker = try await site.worker("one")
            let claimed = try await worker.claim(recording)
            var later = recording
            later.externalData = [ExternalDatum(key: "k", value: "v")]
            try await site.plan(later)
            let outcome = await worker.deliver(claimed)
            #expect(outcome?.replica != nil)
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 0)
            #expect(try await site.count("takeup.sighting where state = 'waiting'") == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a fact that was corrected between two files of a recording is not covered by the mark`() async throws {
        try await DeliverySite.with { site in
            let recording = try await site.record(1, [.calls, .screens])
            let worker = try await site.worker("one")
            // Looked at while the replay had nothing of it: the plan sees nothing to correct.
            var later = recording
            later.problemStatus = "ONE_STREAM_INCOMPLETE"
            let sound = try await worker.claim(recording)
            #expect(await worker.deliver(sound)?.replica != nil)
            try await site.plan(later)
            let screen = try await worker.claim(later, on: .screens)
            #expect(await worker.deliver(screen)?.replica != nil)
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 0)
            #expect(try await site.count("takeup.sighting where state = 'waiting'") == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `two files of one batch that saw different rows are not covered by the later one's`() async throws {
        try await DeliverySite.with { site in
            let recording = try await site.record(1, [.calls, .screens])
            let worker = try await site.worker("one")
            var later = recording
            later.problemStatus = "ONE_STREAM_INCOMPLETE"
            let sound = try await worker.claim(recording)
            try await site.plan(later)
            let both = sound + (try await worker.claim(later, on: .screens))
            for outcome in await worker.deliverer.deliver(both) { #expect(outcome.replica != nil) }
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 0)
            #expect(try await site.count("takeup.sighting where state = 'waiting'") == 1)
        }
    }
}
