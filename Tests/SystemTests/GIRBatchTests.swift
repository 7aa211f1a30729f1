import Glibc
import Support
import Testing
import Vocabulary

extension GIRTests {
    /// The main job: from an unchanged muxer.cfg to one whole result for each pair.
    @Suite struct Main {
        @Test
        func `a batch makes each result once, whole and encrypted where its media were, and a second one nothing`()
            async throws
        {
            let scene = try await GIRScene()
            let (code, said) = try scene.batch()
            #expect(code == 0, "\(said)")
            let verdict = try await scene.site.verdict()
            #expect(verdict.good && verdict.done == 10, "\(verdict)\n\(said)")
            let wanted = scene.site.pairs.filter { !$0.late }.map { Double($0.milliseconds) / 1000 }.sorted()
            let lengths = try await scene.lengths().sorted()
            #expect(lengths.count == wanted.count)
            for (length, want) in zip(lengths, wanted) { #expect(abs(length - want) < 0.6) }
            #expect(said.contains("10 results made and 0 found standing"))
            #expect(try scene.temporaryLeftovers() == "")
            // What the site was asked for all of it.
            #expect(try await scene.site.requestCount("GET", "/recordings") < 100)
            #expect(try await scene.site.requestCount("POST", "bulk") == 1)
            #expect(try await scene.site.requestCount("rws POST", "screen-recordings") == 11)

            try await scene.site.tell("DELETE", "requests")
            let again = try scene.batch()
            #expect(again.code == 0 && again.said.contains("0 results made and 10 found standing"), "\(again.said)")
            let requests = try await scene.site.requests().filter { !$0.key.hasPrefix("control") }
            // Version or session, stores, one page, one bulk question.
            #expect(requests.values.reduce(0, +) <= 5, "\(requests)")
        }

        @Test func `in real time results come as calls are found, late screens when they are there, until SIGTERM`()
            async throws
        {
            let site = try PlaySite(recordings: 5, minutes: 3, seed: 35)
            let scene = try await GIRScene(site)
            let worker = try scene.start(["processing.min-poll_interval": "0.01"])
            let isDone = try await scene.wait(upTo: .seconds(60)) { try await site.verdict().good }
            #expect(isDone, "\(scene.log)")
            let lateOnes = site.pairs.filter(\.late)
            try #require(!lateOnes.isEmpty)
            try await site.tell("POST", "late")
            #expect(try await !site.verdict().good)
            let isLateDone = try await scene.wait(upTo: .seconds(60)) { try await site.verdict().good }
            #expect(isLateDone, "\(scene.log)")
            worker.send(SIGTERM)
            #expect(worker.wait() == 0)
            #expect(try scene.temporaryLeftovers() == "")
            // The manual's log file says the same.
            let file = String(decoding: try readSample(scene.directory + "/takeup-mux.log"), as: UTF8.self)
            #expect(file.contains("The site has result") && file.contains("is stopping: it was told to"))
        }

        @Test(.enabled(if: GIRTests.isLong))
        func `a muxer that is told to stop in the middle leaves nothing half done, and the next one goes on`()
            async throws
        {
            let scene = try await GIRScene()
            let worker = try scene.start(["processing.min-poll_interval": "0.01", "advanced.worker_threads": "4"])
            let hasBegun = try await scene.wait(upTo: .seconds(30)) {
                try await scene.site.requestCount("rws POST", "screen-recordings") >= 3
            }
            #expect(hasBegun, "\(scene.log)")
            worker.send(SIGTERM)
            #expect(worker.wait() == 0)
            let verdict = try await scene.site.verdict()
            #expect(verdict.doubles == 0 && verdict.broken == 0, "\(verdict)")
            #expect(try scene.batch().code == 0)
            let end = try await scene.site.verdict()
            #expect(end.good, "\(end)\n\(scene.log)")
        }
    }
}
