import Catalogs
import Files
import Glibc
import Ledger
import Postgres
import Reporting
import Settings
import Support
import Testing
import Vocabulary

@Suite struct SiteCheckTests {
    private func findings(_ site: Site, _ text: String? = nil) async throws -> [CheckFinding] {
        await SiteCheck(
            settings: try site.settings(text), file: FilePath("takeup.toml"), environment: .ofProcess()
        ).run()
    }

    private func makeVolumes(_ site: Site) throws {
        for name in ["a", "b"] { _ = try VolumeMaking.make(at: FilePath("\(site.home)/\(name)"), settings: nil) }
    }

    @Test func `a site where everything is in place has no failure`() async throws {
        let site = try await Site()
        try makeVolumes(site)
        let findings = try await findings(site)
        #expect(findings.allSatisfy { $0.grade == .ok }, "\(findings)")
        #expect(
            findings.map(\.subject) == [
                "settings", "replay database", "source rec_a", "mount", "mount", "volume a", "volume b", "ffmpeg",
                "ffprobe", "time zone",
            ])
        #expect(findings[1].what.hasSuffix("callrec tables; the ledger will be made by the first agent"))
        #expect(
            findings[2].what.hasSuffix(
                "callrec tables, polled every 10 s, 0 unmarked in the interval, 0 before it"))
        #expect(findings[3].what.hasPrefix("\(site.home)/rec/calls: plain directory on "))
        #expect(findings[5].what.contains("shares its space with b"))
        #expect(findings[6].what.contains("shares its space with a"))
        // What was made to try whether a volume can be written to is gone.
        #expect(try ChildProcess.run(["/usr/bin/find", site.home + "/a", "-name", ".takeup-probe*"]) == "")
    }

    @Test func `the ledger's schema and a stop of marking are told`() async throws {
        let site = try await Site()
        try makeVolumes(site)
        try await site.makeLedger()
        #expect(try await findings(site)[1].what.hasSuffix("ledger schema \(Migrations.current)"))
        try await site.replay.connect().transaction { session in
            try Marking.stop(reason: "It was restored.", in: session)
        }
        let stopped = try #require(try await findings(site).first { $0.grade == .warn })
        #expect(stopped.what == "Marking is stopped: It was restored.")
    }

    @Test func `unmarked recordings are counted inside and before the interval`() async throws {
        let site = try await Site()
        let builder = try await CatalogBuilder(site.recorder.connect())
        let now = try await site.recorder.connect().perform { session in
            try SourceCatalog(source: SourceName("x"), timeZone: "Europe/Prague", reading: session)
                .localNow(on: session)
        }
        let day: Int64 = 86_400_000_000
        for (number, days) in [1, 2, 20].enumerated() {
            let stop = WallTime(microseconds: now.microseconds - Int64(days) * day)
            try await builder.add(RecordingSample("sid-\(number)", stop: stop))
        }
        let marked = RecordingSample("sid-m", stop: now).mark(.synchronized)
        try await builder.add(marked)
        let found = try #require(try await findings(site).first { $0.subject == "source rec_a" })
        #expect(found.what.hasSuffix("2 unmarked in the interval, 1 before it"))
    }

    @Test func `a source that is the replay's own database is refused, however it is reached`() async throws {
        let site = try await Site()
        // A path that the settings can't tell from another server's.
        symlink(site.replay.cluster.directory, "\(site.home)/socket")
        let other = "host=\(site.home)/socket dbname=\(site.replay.name) user=postgres"
        let findings = try await findings(site, site.text(recorderDatabase: other))
        #expect(
            findings.contains {
                $0.subject == "source rec_a" && $0.grade == .fail
                    && $0.what == "It is the replay's own database, reached in another way."
            }, "\(findings)")
    }

    @Test func `a role without rights is told what it lacks, and one that can't mark, too`() async throws {
        let site = try await Site()
        let role = "reader_\(UInt32.random(in: 0 ... .max))"
        let database = "host=\(site.recorder.cluster.directory) dbname=\(site.recorder.name) user=\(role)"
        func found() async throws -> [CheckFinding] {
            try await findings(site, site.text(recorderDatabase: database)).filter { $0.subject == "source rec_a" }
        }
        try await site.recorder.connect().perform { session in try session.script("create role \(role) login") }
        #expect(try await found().map(\.grade) == [.fail])
        #expect(try await found().first?.what.hasPrefix("The role can't read callrec.calls") == true)
        try await site.recorder.connect().perform { session in
            try session.script(
                "grant usage on schema callrec to \(role); grant select on all tables in schema callrec to \(role)")
        }
        #expect(try await found().map(\.what).contains("The role can't set marks."))
        try await site.recorder.connect().perform { session in
            try session.script("grant update (synchronized) on callrec.couples to \(role)")
        }
        // Without definitions and voice tags everything else works.
        #expect(try await found().map(\.grade) == [.ok, .warn])
        #expect(
            try await found().last?.what.hasPrefix(
                "The role can't write callrec.speech_phrases, callrec.speech_tags, callrec.tag_to_phrases") == true)
        try await site.recorder.connect().perform { session in
            try session.script(
                """
                grant insert, delete on callrec.speech_phrases, callrec.speech_tags, callrec.tag_to_phrases to \(role)
                """)
        }
        #expect(try await found().map(\.grade) == [.ok])
        try await site.recorder.connect().perform { session in
            try session.script("revoke select on callrec.voice_tags from \(role); drop index callrec.voice_tags_file")
        }
        #expect(try await found().map(\.grade) == [.ok, .warn])
        #expect(
            try await found().last?.what == "The role can't read callrec.voice_tags: voice tags stay at the recorder.")
        try await site.recorder.connect().perform { session in
            try session.script("grant select on callrec.voice_tags to \(role)")
        }
        #expect(try await found().last?.what.contains("no index on cfileid") == true)
        try await site.recorder.connect().perform { session in
            try session.script("drop owned by \(role); drop role \(role)")
        }
    }

    @Test func `a replay role that can't add voice tags is told so, and the rest is in place`() async throws {
        let site = try await Site()
        let role = "replay_\(UInt32.random(in: 0 ... .max))"
        try await site.replay.connect().perform { session in
            try session.script(
                """
                create role \(role) login; grant usage on schema callrec to \(role);
                grant create on database \(site.replay.name) to \(role);
                grant select, insert, update on all tables in schema callrec to \(role);
                grant usage on all sequences in schema callrec to \(role);
                revoke insert on callrec.voice_tags from \(role)
                """)
        }
        let database = "host=\(site.replay.cluster.directory) dbname=\(site.replay.name) user=\(role)"
        let found = try await findings(site, site.text(replayDatabase: database))
            .filter { $0.subject == "replay database" }
        #expect(found.map(\.grade) == [.ok, .warn])
        #expect(found.last?.what == "The role can't add to callrec.voice_tags: voice tags stay at the recorders.")
        try await site.replay.connect().perform { session in
            try session.script("drop owned by \(role); drop role \(role)")
        }
    }

    @Test func `what is not there is told with what to do, each for itself`() async throws {
        let site = try await Site()
        _ = try VolumeMaking.make(at: FilePath("\(site.home)/a"), settings: nil)
        let text = site.text(
            replayDatabase: "host=/nowhere dbname=callrec", mounts: ["calls", "gone"],
            rest: """
                [mux]
                ffmpeg = "/nowhere/ffmpeg"
                ffprobe = "/bin/false"

                [[mux.keys]]
                name = "k"
                certificate_file = "/nowhere/certificate.pem"
                key_file = "/nowhere/key.pem"
                """)
        let findings = try await findings(site, text)
        func grades(_ subject: String) -> [CheckFinding.Grade] {
            findings.filter { $0.subject == subject }.map(\.grade)
        }
        #expect(grades("replay database") == [.fail])
        #expect(grades("source rec_a") == [.ok])
        #expect(grades("mount") == [.ok, .fail])
        #expect(grades("volume a") == [.ok])
        #expect(grades("volume b") == [.fail])
        #expect(grades("ffmpeg") == [.fail])
        #expect(grades("ffprobe") == [.fail])
        #expect(grades("key k") == [.fail])
        #expect(findings.filter { $0.grade == .fail }.allSatisfy { $0.hint?.isEmpty == false }, "\(findings)")
    }

    @Test func `a copied marker is no volume`() async throws {
        let site = try await Site()
        _ = try VolumeMaking.make(at: FilePath("\(site.home)/a"), settings: nil)
        try ChildProcess.run(["/bin/cp", "\(site.home)/a/.takeup-volume", "\(site.home)/b/.takeup-volume"])
        let volumes = try await findings(site).filter { $0.subject.hasPrefix("volume") }
        #expect(volumes.map(\.grade) == [.fail, .fail])
        #expect(volumes.first?.what == "It has the marker of volume b: the directory was copied.")
    }

    @Test func `keys that can be read are counted, and never shown`() async throws {
        let site = try await Site()
        try ChildProcess.run([
            "/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout",
            "\(site.home)/key.pem", "-out", "\(site.home)/certificate.pem",
        ])
        let text = site.text(
            rest: """
                [[mux.keys]]
                name = "k"
                certificate_file = "\(site.home)/certificate.pem"
                key_file = "\(site.home)/key.pem"

                [[mux.keys]]
                name = "unit"
                certificate_file = "\(site.home)/certificate.pem"
                key_credential = "k"
                """)
        let findings = try await findings(site, text)
        #expect(findings.first { $0.subject == "key k" }?.what == "readable, with 1 certificate of its own")
        #expect(findings.first { $0.subject == "key unit" }?.grade == .warn)
        #expect(!"\(findings)".contains("PRIVATE"))
    }

    @Test func `the key that signs manifests is tried: its kind, its passphrase, and who else can read it`()
        async throws
    {
        let site = try await Site()
        let key = "\(site.home)/manifests.pem"
        let text = site.text(rest: "[manifests]\nsigning_key_file = \"\(key)\"")
        func found(_ make: String) async throws -> [CheckFinding] {
            try ChildProcess.run(["/bin/sh", "-ec", "cd \(site.home); rm -f manifests.pem; umask 077; \(make)"])
            let findings = try await findings(site, text).filter { $0.subject == "signing key" }
            #expect(findings.filter { $0.grade != .ok }.allSatisfy { $0.hint?.isEmpty == false }, "\(findings)")
            #expect(!"\(findings)".contains("PRIVATE"))
            return findings
        }
        let good = try await found("openssl genpkey -algorithm ed25519 -out manifests.pem")
        #expect(good.map(\.grade) == [.ok] && good[0].what.hasPrefix("Ed25519, signs;"), "\(good)")
        let curve = try await found(
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.pem; ln -s k.pem manifests.pem")
        #expect(curve.map(\.grade) == [.ok] && curve[0].what.hasPrefix("EC, signs;"), "\(curve)")
        let open = try await found("openssl genpkey -algorithm ed25519 -out manifests.pem; chmod 644 manifests.pem")
        #expect(open.map(\.grade) == [.ok, .warn] && open[1].what.contains("everybody can read it"), "\(open)")
        let grouped = try await found("openssl genpkey -algorithm ed25519 -out manifests.pem; chmod 660 manifests.pem")
        #expect(grouped.map(\.grade) == [.ok, .warn] && grouped[1].what.contains("replace it"), "\(grouped)")
        let sealed = try await found(
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x -out manifests.pem")
        #expect(sealed.map(\.grade) == [.fail] && sealed[0].what.contains("passphrase"), "\(sealed)")
        let other = try await found("openssl genpkey -algorithm X25519 -out manifests.pem")
        #expect(other.map(\.grade) == [.fail] && other[0].what.contains("neither Ed25519 nor RSA nor EC"), "\(other)")
        #expect(try await found("echo nonsense >manifests.pem").map(\.grade) == [.fail])
        #expect(try await found("true").map(\.grade) == [.fail], "it is not there")
        let credential = try await findings(site, site.text(rest: "[manifests]\nsigning_key_credential = \"k\""))
        #expect(credential.first { $0.subject == "signing key" }?.grade == .warn)
        let off = try await findings(
            site, site.text(rest: "[manifests]\nenabled = false\nsigning_key_file = \"\(key)\""))
        #expect(!off.contains { $0.subject == "signing key" })
    }
}
