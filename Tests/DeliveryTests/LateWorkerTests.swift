import Copying
import Files
import Glibc
import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

/// A worker stands still at one step for longer than its lease, another one does its work, and then it goes on.
@Suite(.serialized) struct LateWorkerTests {
    /// Where it stands.
    enum Step: CaseIterable, Sendable {
        case beforeCopying, beforeVerifying, beforePublishing, beforeCommitting
        var call: FileCall {
            switch self {
            case .beforeCopying: .allocate
            case .beforeVerifying: .syncFileSystem
            case .beforePublishing: .link
            case .beforeCommitting: .syncDirectory
            }
        }
    }
    /// What happens meanwhile.
    enum Meanwhile: CaseIterable, Sendable {
        case anotherDelivers, anotherDeliversAndSweeps, sweptFirst, sweptAndForgotten
    }

    /// Volumes with files that have no name, and those without.
    @Test(.timeLimit(.minutes(5)), arguments: Step.allCases, Meanwhile.allCases)
    func `what a late worker does is done once, and what it leaves is swept`(
        step: Step, meanwhile: Meanwhile
    ) async throws {
        for hasUnnamedFiles in [true, false] {
            try await DeliverySite.with { site in
                let gate = Gate()
                let call = hasUnnamedFiles ? step.call : step == .beforePublishing ? .linkName : step.call
                let calls = FaultyFiles { met, _ in
                    if met == .createUnnamed && !hasUnnamedFiles { return .fail(EOPNOTSUPP) }
                    // A small group syncs each file for itself.
                    let isThere = met == call || call == .syncFileSystem && met == .syncFile
                    return isThere ? .meanwhile { gate.stop() } : nil
                }
                let late = try await site.worker("late", calls: calls)
                let recording = try await site.record(1)
                let consignments = try await late.claim(recording)
                async let lateOutcome = late.deliver(consignments)
                #expect(await gate.isReached())
                if step == .beforeVerifying { try await expectAsked(site) }
                let other = try await site.worker("other")
                try await pass(meanwhile, recording, other, site)
                gate.open()
                let outcome = await lateOutcome
                // Fenced, or without the staged file that was swept under its hands.
                #expect(outcome != nil && outcome?.replica == nil, "\(String(describing: outcome))")
                if try await site.count("takeup.replica") == 0 {
                    try await site.expireAll()
                    #expect(await other.deliver(try await other.claim(recording))?.replica != nil)
                }
                try await site.expireAll()
                try await other.sweep()
                try await expectOnce(site)
            }
        }
    }

    /// Leases are asked for beside verifying: an answer that came after the others' time was over would renew them.
    private func expectAsked(_ site: DeliverySite) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try await site.count("takeup.intent where ready_size is not null") == 0 {
            try #require(ContinuousClock.now < end)
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func pass(
        _ meanwhile: Meanwhile, _ recording: SourceRecording, _ other: Worker, _ site: DeliverySite
    ) async throws {
        try await site.expireAll()
        switch meanwhile {
        case .anotherDelivers:
            #expect(await other.deliver(try await other.claim(recording))?.replica != nil)
        case .anotherDeliversAndSweeps:
            #expect(await other.deliver(try await other.claim(recording))?.replica != nil)
            try await site.expireAll()
            try await other.sweep()
        case .sweptFirst:
            try await other.sweep()
        case .sweptAndForgotten:
            try await other.sweep()
            try await site.run("update takeup.intent set lease_until = lease_until - interval '2 days'")
            try await other.sweep()
            #expect(try await site.count("takeup.intent") == 0)
        }
    }

    private func expectOnce(_ site: DeliverySite) async throws {
        #expect(try await site.count("takeup.replica") == 1)
        #expect(try await site.count("takeup.transfer where state = 'done'") == 1)
        #expect(try await site.count("takeup.intent where state <> 'swept'") == 0)
        #expect(try await site.count("callrec.cfiles") == 1)
        #expect(try await site.named() == site.files())
    }

    @Test(.timeLimit(.minutes(2)))
    func `what an attempt published stands in nobody's way when the source has other bytes now`() async throws {
        try await DeliverySite.with { site in
            let gate = Gate()
            let dead = try await site.worker(
                "dead", calls: FaultyFiles { call, _ in call == .syncDirectory ? .meanwhile { gate.stop() } : nil })
            let recording = try await site.record(1)
            let consignments = try await dead.claim(recording)
            async let never = dead.deliver(consignments)
            #expect(await gate.isReached())
            try await site.expireAll()
            // The same size: nothing that the row says tells the two apart.
            let changed = DeliverySite.content.map { $0 ^ 1 }
            try site.scratch.write(changed, to: "mount/calls/1.mp3")
            let other = try await site.worker("other")
            let replica = try #require(await other.deliver(try await other.claim(recording))?.replica)
            #expect(try site.scratch.read(FilePath("volume").appending(replica.content.path.bytes)) == changed)
            gate.open()
            _ = await never
            try await site.expireAll()
            try await other.sweep()
            try await expectOnce(site)
        }
    }
}
