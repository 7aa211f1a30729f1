import Files
import Glibc
import Ledger
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Delivery

/// What a copy will be is written down while the disks work: a copy that fails after that, and before it has its name,
/// leaves the name to the next try.
@Suite(.serialized) struct EarlyReadyTests {
    enum Failure: CaseIterable, Sendable { case sync, readBack, sourceChanges, leaseAnswer }

    @Test(.timeLimit(.minutes(2)), arguments: Failure.allCases)
    func `a copy that fails before it has its name leaves the name to the next try`(failure: Failure) async throws {
        try await DeliverySite.with { site in
            let gate = Gate()
            // Stands where the disks work, until the ledger has been told, and fails then.
            let calls = FaultyFiles { call, _ in
                guard call == .syncFile || call == .syncFileSystem else { return nil }
                gate.stop()
                return failure == .sync ? .fail(EIO) : nil
            }
            let worker = try await site.worker("one", calls: calls)
            let recording = try await site.record(1)
            let consignments = try await worker.claim(recording)
            async let delivered = worker.deliver(consignments)
            #expect(await gate.isReached())
            while try await site.count("takeup.intent where ready_sha256 is not null") == 0 { await Task.yield() }
            switch failure {
            case .sync: break
            case .readBack:
                // The volume gives other bytes back than it was given.
                try await spoil(site)
            case .sourceChanges: try site.scratch.write(DeliverySite.content, to: "mount/calls/1.mp3")
            case .leaseAnswer:
                // The answer holds for a moment only; by then the work was given back.
                try await site.run("update takeup.transfer set state = 'waiting', holder = null, lease_until = null")
                try await Task.sleep(for: .milliseconds(150))
            }
            gate.open()
            let outcome = await delivered
            #expect(outcome != nil && outcome?.replica == nil, "\(String(describing: outcome))")
            #expect(try await site.count("takeup.intent where ready_sha256 is not null") == 0)
            try await site.expireAll()
            let other = try await site.worker("two")
            let again = try await other.claim(recording)
            let replica = try #require(await other.deliver(again)?.replica)
            #expect(replica.content.path == again.first?.path)
            try await site.expireAll()
            try await other.sweep()
            #expect(try await site.named() == site.files())
        }
    }

    /// Of giving the name: lost, or to a question that was sent twice, so that the name is called taken, and reading what
    /// has it fails.
    enum Answer: CaseIterable, Sendable { case lost, second }

    @Test(.timeLimit(.minutes(2)), arguments: Answer.allCases)
    func `one that may have its name stays known, and the sweep takes it away`(answer: Answer) async throws {
        try await DeliverySite.with { site in
            let isNamed = Atomic(false)
            let calls = FaultyFiles { call, _ in
                if call == .link || call == .linkName {
                    isNamed.store(true, ordering: .relaxed)
                    return .failAfter(answer == .lost ? EIO : EEXIST)
                }
                return call == .syncFile && isNamed.load(ordering: .relaxed) ? .fail(EIO) : nil
            }
            let worker = try await site.worker("one", calls: calls)
            let recording = try await site.record(1)
            #expect(await worker.deliver(try await worker.claim(recording))?.replica == nil)
            #expect(try await site.count("takeup.intent where ready_sha256 is not null") == 1)
            try await site.expireAll()
            let other = try await site.worker("two")
            let again = try await other.claim(recording)
            let replica = try #require(await other.deliver(again)?.replica)
            #expect(replica.content.path != again.first?.path)
            #expect(try site.files().count == 2)
            try await site.expireAll()
            try await other.sweep()
            #expect(try await site.named() == site.files())
        }
    }

    /// Changes what was written: a file without a name is reached through the descriptor of this very process.
    private func spoil(_ site: DeliverySite) async throws {
        let volume = site.scratch.path.appending("volume")
        let own = try KernelFiles().openRoot(FilePath("/proc/self/fd"))
        var spoiled = 0
        for entry in try DirectoryListing.entries(in: own.descriptor) {
            guard let number = CInt(String(decoding: entry.name, as: UTF8.self)) else { continue }
            var found = stat()
            var target = [CChar](repeating: 0, count: 4096)
            guard fstat(number, &found) == 0, found.st_mode & S_IFMT == S_IFREG,
                found.st_size == DeliverySite.content.count,
                readlink("/proc/self/fd/\(number)", &target, target.count - 1) > 0,
                String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    .hasPrefix(volume.displayText), pwrite(number, [0xff], 1, 100) == 1
            else { continue }
            spoiled += 1
        }
        #expect(spoiled == 1)
    }
}
