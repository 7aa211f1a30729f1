import Delivery
import Files
import Glibc
import Ledger
import Postgres
import Support
import Synchronization
import Testing
import Vocabulary
import Watching

@testable import Agent

/// Recordings that a keeper claimed with their plan, so that nothing of their rows was written down, and that are given
/// back: whoever takes them next has all that the plan saw.
@Suite(.serialized) struct GivenBackTests {
    enum Way: CaseIterable, Sendable {
        /// Before anything was looked at.
        case mountGone
        /// While the file was looked at: another directory stood in its place then.
        case mountReplaced
        /// Nothing new is begun here for a while.
        case outOfResources
        case fileMissing
        case copyFailed
    }

    @Test(arguments: Way.allCases)
    func `what goes back is written down for whoever takes it next`(way: Way) async throws {
        let isBroken = Atomic(way == .copyFailed)
        let calls = FaultyFiles { call, _ in call == .write && isBroken.load(ordering: .relaxed) ? .fail(EIO) : nil }
        try await AgentScene.with(isDirect: true, calls: calls) { scene in
            let place = scene.scratch.path.appending("rec/calls")
            let aside = scene.scratch.path.appending("aside")
            let built = try await scene.record(1, writesFile: way != .fileMissing)
            let claimed = try await planned(scene, [built])
            switch way {
            case .mountGone: #expect(rename(place, aside) == 0)
            case .mountReplaced:
                // Proven a moment ago: that is good for beginning.
                _ = await scene.agent.proof.verdict()
                #expect(rename(place, aside) == 0)
                try scene.scratch.directory("rec/calls")
            case .outOfResources: await scene.agent.resources.close(FileError(.open, number: EMFILE))
            case .fileMissing, .copyFailed: break
            }
            await scene.agent.transfers.carryOutAtOnce(claimed.transfers, of: claimed.recordings)
            let sighting = try #require(try await scene.sighting(built))
            #expect(sighting.state == .transferring)
            #expect(try sighting.detail.map { try Snapshot.decode($0) } == claimed.recordings[scene.reference(built)])
            #expect(try await scene.count("takeup.transfer where state = 'waiting'") == 1)
            // The cause goes away, and another agent of the mount takes it, which no keeper has looked for since.
            switch way {
            case .mountGone: #expect(rename(aside, place) == 0)
            case .mountReplaced:
                #expect(place.withPath { rmdir($0) } == 0)
                #expect(rename(aside, place) == 0)
            // That other one has descriptors.
            case .outOfResources: break
            case .fileMissing: try scene.scratch.write(AgentScene.speech, to: scene.name(1))
            case .copyFailed: isBroken.store(false, ordering: .relaxed)
            }
            try await carriedOutByAnother(scene, built)
        }
    }

    @Test func `what its agent took along when it died is planned again with all its data`() async throws {
        try await AgentScene.with(isDirect: true) { scene in
            let built = try await scene.record(1)
            _ = try await planned(scene, [built])
            try await scene.run("update takeup.transfer set lease_until = lease_until - interval '1 hour'")
            let other = try await scene.anotherAgent()
            _ = try await other.transfers.turn()
            #expect(try await scene.sighting(built)?.state == .waiting)
            try await scene.run("update takeup.keeper set lease_until = lease_until - interval '1 hour'")
            _ = try await other.keeper.turn()
            #expect(try await scene.sighting(built)?.detail != nil)
            try await carriedOutByAnother(scene, built)
        }
    }

    @Test func `a release that fails keeps no file from its copy that has settled`() async throws {
        try await AgentScene.with { scene in
            let here = try await scene.record(1)
            let missing = try await scene.record(2, writesFile: false)
            _ = try await scene.agent.keeper.turn()
            try await scene.refuse("update", of: "transfer", where: "new.state = 'waiting'")
            await #expect(throws: PostgresError.self) { try await scene.agent.transfers.turn() }
            #expect(try await scene.sighting(here)?.state == .converged)
            #expect(try await scene.count("takeup.replica where state = 'held'") == 1)
            #expect(try await scene.sighting(missing)?.state == .transferring)
            // Its lease ends, and it waits for its file as ever.
            try await scene.allow("transfer")
            try await scene.run("update takeup.transfer set lease_until = lease_until - interval '1 hour'")
            try scene.scratch.write(AgentScene.speech, to: scene.name(2))
            _ = try await scene.agent.transfers.turn()
            #expect(try await scene.sighting(missing)?.state == .converged)
        }
    }

    /// As the keeper gives them to the direct way: claimed, and bare.
    private func planned(
        _ scene: AgentScene, _ built: [BuiltRecording]
    ) async throws -> (transfers: [Transfer], recordings: [RecordingReference: SourceRecording]) {
        _ = try await scene.agent.keeper.turn()
        for one in built {
            let sighting = try #require(try await scene.sighting(one))
            #expect(sighting.state == .transferring && sighting.detail == nil)
        }
        let claimed = try await scene.ledger.perform { session in
            try built.flatMap {
                try Transfers.find(of: RecordingReference(source: AgentScene.source, id: $0.id), in: session)
            }
        }
        #expect(claimed.allSatisfy { $0.claim != nil })
        var seen: [RecordingReference: SourceRecording] = [:]
        for one in built { seen[scene.reference(one)] = try await scene.agent.recording(one.id) }
        return (claimed, seen)
    }

    private func carriedOutByAnother(_ scene: AgentScene, _ built: BuiltRecording) async throws {
        try await scene.run("update takeup.transfer set not_before = statement_timestamp()")
        let other = try await scene.anotherAgent()
        _ = try await other.transfers.turn()
        #expect(try await scene.sighting(built)?.state == .converged)
        #expect(try await scene.count("callrec.couples where sid = 'sid-1'") == 1)
        #expect(try await scene.count("takeup.replica where state = 'held'") == 1)
    }

    private func rename(_ from: FilePath, _ to: FilePath) -> CInt {
        from.withPath { from in to.withPath { Glibc.rename(from, $0) } }
    }
}
