import Files
import Glibc
import Ledger
import Postgres
import Settings
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// Lists of digests beside the copies, checked by the tools that an auditor has.
@Suite(.serialized) struct ManifestTests {
    private static let rush = "[manifests]\nclose_after = \"0s\""

    /// The day directory, as the volume has it.
    private func directory(_ site: EvidenceSite) async throws -> String {
        let path = FilePath(try await site.path(of: 0))
        let below = try #require(path.relative(to: FilePath(site.solution.volume)))
        return FilePath(site.solution.volume).appending(below.components[0]).appending(below.components[1]).displayText
    }

    /// Makes the ledger, and the volume, believe that everything is of a day long past.
    private func pass(_ site: EvidenceSite, days: Int = 3) async throws {
        try await site.age(days: days)
        try await site.run("update takeup.day_directory set looked_at = looked_at - interval '\(days) days'")
    }

    private func check(_ directory: String, _ list: String = "SHA256SUMS") throws -> Int {
        try ChildProcess(["/bin/sh", "-c", "cd '\(directory)' && sha256sum --strict -c \(list)"]).wait()
    }

    private func shell(_ command: String) throws -> Int { try ChildProcess(["/bin/sh", "-c", command]).wait() }

    @Test func `names are escaped as coreutils does, and read back`() async throws {
        let names = [
            "plain.mp3", "a b/c d", "back\\slash", "line\nfeed", "return\r", "mixed\\n\n\r\\", "*star", "ümlaut",
        ]
        try await ScratchDirectory.with { scratch in
            var lines: [ManifestText.Line] = []
            for name in names {
                try scratch.write(Array(name.utf8), to: name)
                let hash = StreamHash()
                hash.begin(digest: true, crc32: false)
                Array(name.utf8).withUnsafeBytes { hash.add($0) }
                lines.append(.init(digest: try #require(hash.finish().digest), path: FilePath(name)))
            }
            let text = ManifestText(lines)
            try scratch.write(text.bytes, to: "list")
            #expect(try check(scratch.path.displayText, "list") == 0)
            #expect(ManifestText(bytes: text.bytes) == text)
            // As the real tool writes them.
            let real =
                "cd '\(scratch.path.displayText)' && find . -type f ! -name list ! -name theirs -printf '%P\\0' | xargs -0 sha256sum >theirs"
            #expect(try shell(real) == 0)
            #expect(ManifestText(bytes: try #require(try scratch.read("theirs"))) == ManifestText(lines))
        }
        #expect(ManifestText(bytes: Array("nonsense\n".utf8)) == nil)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a closed day gets a list that sha256sum checks; what is removed later is listed apart`() async throws {
        let site = try await EvidenceSite([10, 20, 30], more: ManifestTests.rush)
        let directory = try await directory(site)
        #expect(try await site.scrub().manifests == 0, "today is not closed")
        try await site.moveToPast()
        let day = try await self.directory(site)
        #expect(day != directory)
        let narrator = MemoryNarrator()
        #expect(try await site.scrub(narrator).manifests == 1)
        #expect(try check(day) == 0)
        #expect(narrator.entries(of: .manifestSealed).count == 1)
        #expect(narrator.entries.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
        #expect(try await site.scrub().manifests == 0, "nothing has changed")
        // Retention takes one with its row; the list follows when it is looked at.
        let gone = try await site.path(of: 1)
        try ChildProcess.run(["/bin/rm", gone])
        try await site.run(
            "delete from callrec.cfiles where cplid = (select id from callrec.couples where sid = 'call-1')")
        #expect(try check(day) != 0)
        try await pass(site)
        _ = try await site.scrub()
        #expect(try await site.scrub().manifests + (try await site.count("takeup.manifest_seal")) >= 2)
        #expect(try check(day) == 0)
        let removed = try #require(ManifestText(bytes: try readSample(day + "/SHA256SUMS.removed")))
        #expect(removed.lines.map(\.path.lastComponent) == [FilePath(gone).lastComponent])
        let listed = try #require(ManifestText(bytes: try readSample(day + "/SHA256SUMS")))
        #expect(listed.lines.count == 2)
        // What others removed is missed by the check: it stays in the list.
        try ChildProcess.run(["/bin/rm", try await site.path(of: 2)])
        try await pass(site)
        _ = try await site.scrub()
        _ = try await site.scrub()
        #expect(try check(day) != 0)
        #expect(try ChildProcess.run(["/usr/bin/find", site.solution.volume, "-name", ".takeup-*.draft"]) == "")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a day whose list cannot be read or written holds up no other day`() async throws {
        let site = try await EvidenceSite([10, 20], more: ManifestTests.rush)
        try await site.moveToPast()
        let first = try await directory(site)
        let second = FilePath(first).parent.appending("20260103").displayText
        let moved = FilePath(try await site.path(of: 1))
        let below = try #require(moved.relative(to: FilePath(first)))
        let place = FilePath(second).appending(below.bytes)
        #expect(
            try shell("mkdir -p '\(place.parent.displayText)' && mv '\(moved.displayText)' '\(place.displayText)'") == 0
        )
        try await site.run(
            """
            update callrec.cfiles set cfpath = replace(cfpath, '/20260102/', '/20260103/')
            where cplid = (select id from callrec.couples where sid = 'call-1');
            update takeup.replica set path = convert_to(
                replace(convert_from(path, 'UTF8'), '/20260102/', '/20260103/'), 'UTF8') where sid = 'call-1';
            """)
        try ChildProcess.run(["/bin/mkdir", first + "/SHA256SUMS"])
        let narrator = MemoryNarrator()
        let sum = try await site.scrub(narrator)
        #expect(sum.manifests == 1 && sum.notes.contains { $0.contains("20260102") }, "\(sum)")
        #expect(narrator.entries(of: .turnFailed).count == 1)
        #expect(try check(second) == 0)
        #expect(sum.copies == 2, "copies are read all the same")
        // The claim of a run that failed runs out.
        try ChildProcess.run(["/bin/rmdir", first + "/SHA256SUMS"])
        try await site.run("update takeup.day_directory set lease_until = null, holder = null")
        #expect(try await site.scrub().manifests == 1)
        #expect(try check(first) == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `nothing is sealed while something is on its way to the day`() async throws {
        let site = try await EvidenceSite([10], more: ManifestTests.rush)
        try await site.moveToPast()
        try await site.run("update takeup.transfer set state = 'waiting', recording_start = '2026-01-02 10:00'")
        #expect(try await site.scrub().manifests == 0)
        try await site.run("update takeup.transfer set state = 'done'")
        #expect(try await site.scrub().manifests == 1)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a day that waits for its manifest for more than a week is a problem that says why, until it has it`()
        async throws
    {
        let site = try await EvidenceSite([10, 10, 10], more: ManifestTests.rush)
        try await site.moveToPast()
        func wait(_ day: String) async throws {
            try await site.run(
                """
                update takeup.transfer set state = 'waiting', recording_start = '\(day) 10:00', last_error = 'its file is not there'
                where id in (select id from takeup.transfer order by id limit 2)
                """)
        }
        try await wait("2026-01-02")
        let narrator = MemoryNarrator()
        for _ in 0..<2 { #expect(try await site.scrub(narrator).manifests == 0) }
        let problem = try #require(try await site.solution.openProblems().first { $0.kind == "manifest-waiting" })
        #expect(
            problem.what
                == "The manifest of day one/20260102 has waited for more than 7 days: 2 files are still to be copied (its file is not there)."
        )
        #expect(narrator.entries(of: .problemOpened).count == 1)
        // A day that could have had it for less than a week waits, and that is all.
        let recent = try await site.solution.replay.perform { session in
            try session.first("select to_char(now() - interval '5 days', 'YYYY-MM-DD') as day")?.text("day") ?? ""
        }
        let folder = recent.replacing("-", with: "")
        try await site.run(
            "update takeup.day_directory set directory = convert_to('one/\(folder)', 'UTF8') where is_due")
        try await wait(recent)
        _ = try await site.scrub(narrator)
        #expect(try await site.problems() == [])
        #expect(narrator.entries(of: .problemClosed).count == 1)
        // Many have one cause.
        try await site.run(
            """
            insert into takeup.day_directory (volume_id, directory)
            select volume_id, convert_to('one/202602' || to_char(n, 'FM00'), 'UTF8')
            from takeup.day_directory, generate_series(1, 25) as n limit 25;
            insert into takeup.transfer (source, source_id, source_media_id, fingerprint, sid, mount, kind, source_path,
                recording_start)
            select 'one', 1000 + n, 1000 + n, 'f', 'far', '/far', 'AUDIO', 'x', timestamp '2026-01-31 10:00' + n * interval '1 day'
            from generate_series(1, 25) as n;
            """)
        _ = try await site.scrub(narrator)
        let many = try await site.solution.openProblems().filter { $0.kind == "manifest-waiting" }
        #expect(many.count == 1 && many[0].what.hasPrefix("25 days have waited for their manifests"), "\(many)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a list that others changed is told of once, and never written over`() async throws {
        let site = try await EvidenceSite([10], more: ManifestTests.rush)
        try await site.moveToPast()
        #expect(try await site.scrub().manifests == 1)
        let list = try await directory(site) + "/SHA256SUMS"
        let good = try readSample(list)
        try ChildProcess.run(["/bin/sh", "-c", "sed -i 's/  /  x/' '\(list)'"])
        let forged = try readSample(list)
        try #require(forged != good)
        let narrator = MemoryNarrator()
        for _ in 0..<3 {
            try await pass(site)
            try await site.run("update takeup.day_directory set is_due = not is_due")
            #expect(try await site.scrub(narrator).tampered == 1)
        }
        let told = narrator.entries(of: .manifestTampered)
        #expect(told.count == 1 && told.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
        #expect(try await site.problems() == ["manifest-tampered"])
        #expect(try readSample(list) == forged)
        // Moved away as evidence: a new one is written, and the problem is over.
        try ChildProcess.run(["/bin/mv", list, site.solution.directory + "/evidence"])
        try await site.run("update takeup.day_directory set is_due = true")
        #expect(try await site.scrub().manifests == 1)
        #expect(try readSample(list) == good)
        #expect(try await site.problems() == [])
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["", ".removed"])
    func `a signature that others changed or removed is told of like a list`(_ list: String) async throws {
        let site = try await EvidenceSite([10, 20], more: ManifestTests.rush)
        let place = site.solution.directory
        try #require(try shell("openssl genpkey -algorithm ed25519 -out '\(place)/key.pem'") == 0)
        try site.solution.configure(
            [site.source], more: ManifestTests.rush + "\nsigning_key_file = \"\(place)/key.pem\"")
        try await site.moveToPast()
        #expect(try await site.scrub().manifests == 1)
        let day = try await directory(site)
        try ChildProcess.run(["/bin/rm", try await site.path(of: 1)])
        try await site.run(
            "delete from callrec.cfiles where cplid = (select id from callrec.couples where sid = 'call-1')")
        try await site.run("update takeup.day_directory set is_due = true")
        #expect(try await site.scrub().manifests == 1)
        let signature = "\(day)/SHA256SUMS\(list).sig"
        let good = try readSample(signature)
        func look(_ narrator: MemoryNarrator = MemoryNarrator()) async throws -> Int {
            try await pass(site)
            return try await site.scrub(narrator).tampered
        }
        #expect(try await look() == 0)
        for change in ["printf x | dd of='\(signature)' conv=notrunc status=none", "rm '\(signature)'"] {
            try #require(try shell(change) == 0)
            let narrator = MemoryNarrator()
            for _ in 0..<2 { #expect(try await look(narrator) == 1, "\(change)") }
            #expect(try await site.problems() == ["manifest-tampered"])
            let told = narrator.entries(of: .manifestTampered)
            #expect(told.count == 1 && told.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
            try writeSample(good, to: signature)
            #expect(try await look() == 0)
            #expect(try await site.problems() == [])
        }
        // A crash before the last name: the ledger knows of a generation that was never complete.
        try await site.run("update takeup.manifest_seal set sealed_at = null")
        try #require(try shell("rm '\(signature)'") == 0)
        #expect(try await look() == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a crash between the ledger's word and the names is finished, whichever came to be`() async throws {
        let site = try await EvidenceSite([10], more: ManifestTests.rush)
        try await site.moveToPast()
        #expect(try await site.scrub().manifests == 1)
        let day = try await directory(site)
        // The names are there and the ledger was not told; or it was begun and no name came.
        for statement in [
            "update takeup.manifest_seal set sealed_at = null",
            """
            insert into takeup.manifest_seal (volume_id, directory, generation, sha256, files, removed)
            select volume_id, directory, generation + 1, sha256('other'), 1, 0 from takeup.manifest_seal
            order by generation desc limit 1
            """,
        ] {
            try await site.run(statement)
            try await site.run("update takeup.day_directory set is_due = true")
            let sum = try await site.scrub()
            #expect(sum.manifests == 1 && sum.tampered == 0)
            #expect(try check(day) == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["ed25519", "rsa", "ec"])
    func `a signature is checked with openssl and the public key alone`(kind: String) async throws {
        let site = try await EvidenceSite([10], more: ManifestTests.rush)
        try await site.moveToPast()
        #expect(try await site.scrub().manifests == 1)
        let place = site.solution.directory
        let options = [
            "ed25519": "ed25519", "rsa": "rsa -pkeyopt rsa_keygen_bits:2048",
            "ec": "ec -pkeyopt ec_paramgen_curve:P-256",
        ]
        try ChildProcess.run([
            "/bin/sh", "-c",
            """
            cd \(place) && openssl genpkey -algorithm \(options[kind] ?? "") -out key.pem 2>/dev/null
            openssl pkey -in key.pem -pubout -out public.pem
            """,
        ])
        try site.solution.configure(
            [site.source], more: ManifestTests.rush + "\nsigning_key_file = \"\(place)/key.pem\"")
        // What was sealed without a signature gets one.
        #expect(try await site.scrub().manifests == 1)
        let day = try await directory(site)
        #expect(try check(day) == 0)
        let verify =
            kind == "ed25519"
            ? "openssl pkeyutl -verify -pubin -inkey \(place)/public.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig"
            : "openssl dgst -sha256 -verify \(place)/public.pem -signature SHA256SUMS.sig SHA256SUMS"
        #expect(try shell("cd '\(day)' && \(verify)") == 0)
        #expect(try shell("cd '\(day)' && echo >>SHA256SUMS && \(verify)") != 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `without the key that was asked for no manifest is written, and copies are read all the same`() async throws {
        let site = try await EvidenceSite([10], more: ManifestTests.rush + "\nsigning_key_file = \"/nowhere/key.pem\"")
        try await site.moveToPast()
        let narrator = MemoryNarrator()
        let sum = try await site.scrub(narrator)
        #expect(sum.manifests == 0 && sum.copies == 1 && sum.notes.count == 1)
        #expect(narrator.entries(of: .turnFailed).count == 1)
    }
}
