import Files
import Glibc
import Ledger
import Operating
import Planning
import Postgres
import Settings
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// Disks that are not what their names say, and accounts that processes see differently.
@Suite(.serialized) struct VolumeIdentitySceneTests {
    private func put(_ name: String, to other: String, _ site: DeliverySite) throws {
        let (from, to) = (
            site.scratch.path.appending("volumes/\(name)"), site.scratch.path.appending("volumes/\(other)")
        )
        guard rename(from.displayText, to.displayText) == 0 else { throw FileError(.rename, number: errno) }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a disk with a marker of its own, mounted in place of a volume, takes nothing until an operator says so`()
        async throws
    {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", "priority = 1"), ("b", "priority = 2")])
            let (worker, narrator) = try await scene.process("one")
            #expect(try await scene.deliver(1, by: worker)?.volume(site) == "a")
            // Another disk comes to the place of a, as a wrong one does that was mounted there.
            try put("a", to: "away", site)
            let wrong = try KernelFiles().openRoot(site.scratch.directory("volumes/a"))
            _ = try VolumeMarker.create(in: wrong.descriptor)
            scene.pass(.seconds(11))
            #expect(try await scene.deliver(2, by: worker)?.volume(site) == "b")
            #expect(try site.scratch.files(below: "volumes/a") == [VolumeMarker.name])
            let sample = try await worker.roster.sample().first { $0.settings.name == VolumeName("a") }
            #expect(sample?.condition == .absent && sample?.reason?.contains("identity") == true)
            #expect(narrator.told.contains(.volumeUnavailable))
            // A process that begins now learns it from the ledger.
            let (next, _) = try await scene.process("two")
            #expect(try await scene.deliver(3, by: next)?.volume(site) == "b")
            // The operator means it.
            #expect(try await scene.replace("a") == .replaced)
            #expect(try await scene.replace("a") == .same)
            scene.pass(.seconds(11))
            #expect(try await scene.deliver(4, by: worker)?.volume(site) == "a")
            #expect(try await site.count("takeup.volume where name = 'a'") == 2)
            #expect(try await site.count("takeup.volume where name = 'a' and replaced_at is not null") == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `volumes that changed places take nothing, and take it again when they are back`() async throws {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", ""), ("b", "")])
            let (worker, _) = try await scene.process("one")
            _ = try await scene.deliver(1, by: worker)
            func swap() throws {
                try put("a", to: "other", site)
                try put("b", to: "a", site)
                try put("other", to: "b", site)
            }
            try swap()
            scene.pass(.seconds(11))
            #expect(try await worker.roster.sample().allSatisfy { $0.condition == .absent })
            let (next, _) = try await scene.process("two")
            #expect(try await next.roster.sample().allSatisfy { $0.condition == .absent })
            try swap()
            scene.pass(.seconds(11))
            #expect(try await worker.roster.sample().allSatisfy { $0.condition == nil })
            guard case .committed = try await scene.deliver(2, by: worker) else {
                Issue.record("it was not committed")
                return
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what a process sees of a file system late or never changes no account, and two accounts become one`()
        async throws
    {
        try await DeliverySite.with { site in
            let scene = try VolumeScene(site, [("a", ""), ("b", "")], haveAccounts: false)
            let (one, _) = try await scene.process("one")
            let samples = try await one.roster.sample()
            let ids = samples.compactMap(\.proof?.id)
            #expect(ids.count == 2)
            func accounts() async throws -> Set<String> {
                try await site.database.perform { session in
                    Set(try session.query("select account_id from takeup.volume").map { try $0.text("account_id") })
                }
            }
            let shared = try #require(try await accounts().first)
            #expect(try await accounts().count == 1)
            // The one that gave the account its name does not answer a process that begins now.
            let first = try #require(samples.first { $0.proof?.id.rawValue == shared }?.settings.name.rawValue)
            scene.hang(first)
            let (two, _) = try await scene.process("two")
            _ = try await two.roster.sample()
            #expect(try await accounts() == [shared])
            scene.hang(first, false)
            // A host that saw two file systems had left two accounts.
            try await site.run(
                """
                insert into takeup.account (id) values ('elsewhere');
                update takeup.volume set account_id = 'elsewhere' where id <> '\(shared)';
                """)
            // Decisions go by what the ledger has: what is promised there counts, under its lock.
            let (locked, standings) = try await site.database.transaction { session in
                try session.ask(Accounts.lock(of: ids), Accounts.standing(of: ids))
            }
            #expect(locked == [AccountID("elsewhere"), AccountID(shared)])
            #expect(Set(standings.values.map(\.account)) == locked)
            let (three, _) = try await scene.process("three")
            _ = try await three.roster.sample()
            #expect(try await accounts().count == 1)
        }
    }
}

extension DeliveryOutcome {
    /// The volume that a committed copy lies on.
    fileprivate func volume(_ site: DeliverySite) async throws -> String? {
        guard case .committed(let replica) = self else { return nil }
        return try await site.database.perform { session in
            try Volumes.find([replica.content.volume], in: session)[replica.content.volume]?.name.rawValue
        }
    }
}

extension VolumeScene {
    /// As `takeup volume replace` does.
    fileprivate func replace(_ name: String) async throws -> VolumeReplacing.Outcome {
        try await VolumeReplacing.replace(
            VolumeName(name), volumes: settings, patience: .seconds(10), in: site.database)
    }
}
