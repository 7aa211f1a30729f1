import Files
import Ledger
import Postgres
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Delivery

@Suite(.serialized) struct CommitTests {
    @Test(.timeLimit(.minutes(5)))
    func `sound and screen that two processes commit in the same instant make one recording and one mux job`()
        async throws
    {
        try await DeliverySite.with { site in
            let rounds = 50
            // Both stand still when their names are durable, which is right before the commit, and go on together.
            let meeting = Rendezvous()
            let round = Mutex((number: 0, met: Set<String>()))
            func calls(of name: String) -> FaultyFiles {
                FaultyFiles { call, _ in
                    guard call == .syncDirectory else { return nil }
                    return .meanwhile {
                        let isFirst = round.withLock { $0.met.insert(name).inserted ? $0.number : nil }
                        if let isFirst { meeting.meet(round: isFirst) }
                    }
                }
            }
            let one = try await site.worker("one", calls: calls(of: "one"))
            let other = try await site.worker("other", calls: calls(of: "other"))
            for number in 1...rounds {
                round.withLock { $0 = (number, []) }
                let recording = try await site.record(Int64(number), [.calls, .screens])
                // New rows make the second wait by their keys; with all of them there already, only locks do.
                if number.isMultiple(of: 2) { try await site.bringRows(of: recording, by: one) }
                let sound = try await one.claim(recording, on: .calls)
                let screen = try await other.claim(recording, on: .screens)
                async let first = one.deliver(sound)
                async let second = other.deliver(screen)
                let outcomes = await [first, second]
                #expect(outcomes.allSatisfy { $0?.replica != nil }, "round \(number): \(outcomes)")
                let sid = recording.sid.rawValue
                #expect(try await site.count("takeup.mux_job where sid = '\(sid)'") == 1)
                #expect(try await site.count("callrec.couples where sid = '\(sid)'") == 1)
                #expect(try await site.count("takeup.sighting where sid = '\(sid)' and state = 'converged'") == 1)
            }
            #expect(try await site.count("callrec.calls") == rounds)
            #expect(try await site.count("callrec.cfiles") == 2 * rounds)
            #expect(try await site.count("takeup.intent") == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [DroppingProxy.Moment.beforeForwarding, .afterForwarding])
    func `a COMMIT whose reply is lost is done once, whether the server heard of it or not`(
        moment: DroppingProxy.Moment
    ) async throws {
        try await DeliverySite.with { site in
            let proxy = try DroppingProxy(to: site.base.cluster)
            defer { proxy.stop() }
            let isArmed = Mutex(false)
            let calls = FaultyFiles { call, _ in
                guard call == .syncDirectory else { return nil }
                return .meanwhile {
                    let isFirst = isArmed.withLock { armed in
                        defer { armed = true }
                        return !armed
                    }
                    if isFirst { proxy.breakNextCommit(moment) }
                }
            }
            let worker = try await site.worker("one", calls: calls, connection: proxy.settings(for: site.base))
            let recording = try await site.record(1)
            let outcome = await worker.deliver(try await worker.claim(recording))
            #expect(proxy.dropCount == 1)
            #expect(outcome?.replica != nil, "\(String(describing: outcome))")
            try await expectOneReplica(site)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a COMMIT whose fate nobody tells is found done later`() async throws {
        try await DeliverySite.with { site in
            let proxy = try DroppingProxy(to: site.base.cluster)
            defer { proxy.stop() }
            let calls = FaultyFiles { call, _ in
                call == .syncDirectory
                    ? .meanwhile {
                        if proxy.dropCount == 0 { proxy.breakNextCommit(.afterForwarding) }
                        proxy.refuseConnections()
                    } : nil
            }
            let cutOff = try await site.worker("one", calls: calls, connection: proxy.settings(for: site.base))
            let recording = try await site.record(1)
            let outcome = await cutOff.deliver(try await cutOff.claim(recording))
            #expect(outcome?.isUncommitted == true, "\(String(describing: outcome))")
            try await site.expireAll()
            let other = try await site.worker("other")
            #expect(try await other.claim(recording).isEmpty)
            try await other.sweep()
            try await expectOneReplica(site)
        }
    }

    private func expectOneReplica(_ site: DeliverySite) async throws {
        #expect(try await site.count("takeup.replica") == 1)
        #expect(try await site.count("takeup.transfer where state = 'done'") == 1)
        #expect(try await site.count("takeup.intent") == 0)
        #expect(try await site.count("callrec.couples") == 1)
        #expect(try await site.count("callrec.cfiles") == 1)
        #expect(try await site.named() == site.files())
    }
}
