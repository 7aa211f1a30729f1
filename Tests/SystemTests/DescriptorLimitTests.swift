internal import Glibc
internal import Ledger
internal import Support
internal import Testing
internal import Vocabulary

/// An agent that the kernel gives no more descriptors, by the built program.
@Suite(.serialized) struct DescriptorLimitTests {
    @Test(.timeLimit(.minutes(3)))
    func `an agent without descriptors stays up, brings nothing wrong, and all once it has some`() async throws {
        let site = try await ScratchSite(watching: "quiet = \"200ms\"")
        let agent = try site.start(.calls)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        let first = try await site.record("first", [.audio])
        #expect(try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == 1 }, "\(site.log(.calls))")
        // So many as it has, and too few for a group.
        let open = try ChildProcess.run(["/bin/ls", "/proc/\(agent.id)/fd"]).split(separator: "\n").count
        try limit(agent, to: open + 12)
        var recordings = [first]
        // All at once for it.
        agent.send(SIGSTOP)
        for number in 1...40 { recordings.append(try await site.record("call-\(number)", [.audio])) }
        agent.send(SIGCONT)
        let isTold = try await site.wait(upTo: .seconds(60)) { site.log(.calls).contains("has run out of descriptors") }
        #expect(isTold, "\(site.log(.calls).suffix(3000))")
        try await Task.sleep(for: .seconds(5))
        #expect(kill(agent.id, 0) == 0)
        // What it says of it is nobody else's fault.
        let kinds = Set(try await site.openProblems().map(\.kind))
        #expect(
            kinds.isDisjoint(with: ["volume-unavailable", "missing-file", "unreadable-file", "copy-failed", "no-room"]),
            "\(kinds)")
        #expect(!site.log(.calls).contains("is not available"), "\(site.log(.calls).suffix(3000))")
        let blamed = "select count(*) from takeup.transfer where failures > 0 or faults > 0"
        #expect(try await site.count(blamed, in: site.replay) == 0)
        try limit(agent, to: 4096)
        let count = recordings.count
        let isDone = try await site.wait(upTo: .seconds(100)) { try await site.markedCount() == count }
        #expect(isDone, "\(site.log(.calls).suffix(3000))")
        for recording in recordings { #expect(try await site.holds(recording, [.audio]), "\(recording.name)") }
        #expect(try site.stagedLeftovers() == [])
        #expect(try await site.unnamedFiles() == [])
    }

    /// The soft limit, which the kernel looks at.
    private func limit(_ agent: ChildProcess, to count: Int) throws {
        try ChildProcess.run(["/usr/bin/prlimit", "--pid=\(agent.id)", "--nofile=\(count):"])
    }
}
