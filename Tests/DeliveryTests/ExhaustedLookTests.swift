import Copying
import Files
import Glibc
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// A process that has no descriptor or memory left for a look at its volumes: that says nothing of them.
@Suite(.serialized) struct ExhaustedLookTests {
    /// What a look at a volume consists of.
    enum Part: CaseIterable, Sendable {
        case root, marker, markerText, identity, space

        var call: FileCall {
            switch self {
            case .root, .marker: .open
            case .markerText: .read
            case .identity: .observe
            case .space: .fileSystem
            }
        }
    }

    private func fail(_ part: Part, with number: CInt?, in scene: VolumeScene) {
        scene.fail(part.call, with: number, every: part == .marker ? 2 : 1)
    }

    @Test(.timeLimit(.minutes(2)), arguments: Part.allCases, [EMFILE, ENFILE, ENOMEM])
    func `a volume is not said to be away, another's, or full`(part: Part, number: CInt) async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "")])
            let (worker, narrator) = try await scene.process("one")
            try await worker.roster.turn()
            #expect(narrator.told == [])

            fail(part, with: number, in: scene)
            for _ in 0..<2 {
                scene.pass(.seconds(11))
                try await worker.roster.turn()
            }
            // A process that begins meanwhile.
            let (other, heard) = try await scene.process("two")
            try await other.roster.turn()
            #expect(narrator.told == [] && heard.told == [])
            let samples = try await other.roster.sample()
            #expect(samples.allSatisfy { $0.proof == nil && $0.exhausted?.number == number }, "\(samples)")

            for id in 1...2 {
                let outcome = try await scene.deliver(Int64(id), by: worker)
                #expect(outcome?.code == .exhausted, "\(String(describing: outcome))")
            }
            #expect(await !worker.deliverer.resources.isOpen())
            #expect(narrator.told == [.resourceLimit])
            #expect(narrator.isSound)
            #expect(try await site.count("takeup.volume_sight") == 0)
            #expect(try await site.count("takeup.alert") == 0)
            #expect(try await site.count("takeup.problem") == 0)
            #expect(try await site.count("takeup.volume where state = 'ok'") == 1)
            #expect(try await site.count("takeup.intent") == 0)

            fail(part, with: nil, in: scene)
            #expect(try await scene.deliver(3, by: worker)?.replica != nil)
            try await worker.roster.turn()
            #expect(narrator.told == [.resourceLimit])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a volume that is away by then is told of as soon as it can be looked at`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "")])
            let (worker, narrator) = try await scene.process("one")
            try await worker.roster.turn()
            fail(.marker, with: EMFILE, in: scene)
            let marker = site.scratch.path.appending("volumes/a/.takeup-volume").displayText
            #expect(rename(marker, marker + ".away") == 0)
            try await worker.roster.turn()
            #expect(narrator.told == [])
            fail(.marker, with: nil, in: scene)
            try await worker.roster.turn()
            #expect(narrator.told == [.volumeUnavailable])
            // What was told of it stands while nobody can look again.
            fail(.marker, with: EMFILE, in: scene)
            #expect(rename(marker + ".away", marker) == 0)
            try await worker.roster.turn()
            #expect(narrator.told == [.volumeUnavailable])
            fail(.marker, with: nil, in: scene)
            try await worker.roster.turn()
            #expect(narrator.told == [.volumeUnavailable, .volumeAvailable])
            #expect(narrator.isSound)
        }
    }
}
