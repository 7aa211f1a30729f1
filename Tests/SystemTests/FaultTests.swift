internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Everything that can be wrong at a recorder, with the built program.
@Suite(.serialized) struct FaultTests {
    @Test(.timeLimit(.minutes(5)))
    func `each fault is told, keeps nothing else waiting, and is over when its cause is`() async throws {
        // A growing file stands still for three seconds: it must not look quiet by then, however slow the machine is.
        let site = try await ScratchSite(
            watching: "quiet = \"8s\"\ngrace_missing = \"4s\"\ngrace_orphan = \"3s\"")
        let program = try RunningProgram(on: site)
        let truths = try await site.recorder.record { options in
            options.count = 10
            options.encrypted = 20
            for fault in RecorderModelFault.allCases where fault != .notUnicodeName { options.faults[fault] = 1 }
            (options.faults[.orphan], options.faults[.missingFile]) = (2, 2)
        }
        let scene = FaultScene(site: site, truths: truths)
        try await scene.expectHealthyOnesDone()
        try await scene.expectEachFaultTold()
        try await scene.expectHeldOnesHeld()
        try await scene.expectDamageKept()
        try await scene.healOrphans { try program.restart(.calls, meanwhile: $0) }
        try await scene.healTheRest()
        try await scene.expectAllWell()
        try await scene.expectNoNumbers()
        #expect(program.stop() == [0, 0, 0])
    }

    @Test(.timeLimit(.minutes(3)))
    func `names of any bytes travel, and their rows are committed`() async throws {
        let site = try await ScratchSite(.old, notifies: false, watching: "quiet = \"2s\"", takesAnyBytes: true)
        let program = try RunningProgram(on: site)
        let truths = try await site.recorder.record { options in
            options.count = 4
            options.encrypted = 0
            options.faults = [.notUnicodeName: 2, .lineBreakName: 2]
        }
        let isDone = try await site.wait(upTo: .seconds(60)) {
            guard try await site.markedCount() == truths.count else { return false }
            return try await site.defects(of: truths).isEmpty
        }
        #expect(isDone, "\(site.log(.calls))\n\(site.log(.mux))")
        #expect(try await site.unnamedFiles() == [])
        try await refuseAndCorrectRow(site)
        let paths = try await site.replay.perform { session in
            try session.query("select cfpath from callrec.cfiles").map { try $0.text("cfpath") }
        }
        #expect(paths.filter { $0.contains("\n") } == [])
        #expect(try await site.openProblems().map(\.what) == [])
        #expect(program.stop() == [0, 0, 0])
    }
}

/// A row that says nothing sensible is told of, keeps nothing waiting, and travels once it is corrected.
private func refuseAndCorrectRow(_ site: ScratchSite) async throws {
    let before = try await site.markedCount()
    let bytes = try RecorderModelMedia.shared().screen(seconds: 4, mark: "corrected")
    let path = FilePath(site.recorder.layout.screensRoot + "/20260101/corrected.mp4")
    try site.recorder.put(bytes, at: path)
    let now = try await site.source.perform { session in
        try session.first("select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now")?.integer("now")
    }
    let sample = RecordingSample("corrected", stop: WallTime(microseconds: try #require(now)), seconds: 4)
    let built = try await CatalogBuilder(site.source).add(
        sample.media(MediaSample(.video, FilePath(""), size: Int64(bytes.count))))
    let isTold = try await site.wait(upTo: .seconds(60)) {
        try await site.openProblems().map(\.kind) == ["row-refused"]
    }
    #expect(isTold)
    let media = try #require(built.mediaIDs.first)
    try await site.source.perform { session in
        try session.execute(
            "update callrec.cfiles set cfpath = $2 where id = $1", [.integer(media), .text(path.displayText)])
    }
    let isOver = try await site.wait(upTo: .seconds(60)) {
        guard try await site.markedCount() == before + 1 else { return false }
        return try await site.openProblems().isEmpty
    }
    #expect(isOver, "\(site.log(.calls))\n\(site.log(.screens))")
}

/// The three processes of a site, which end with the test.
private final class RunningProgram {
    private let site: ScratchSite
    private var processes: [ScratchSite.Role: ChildProcess] = [:]

    init(on site: ScratchSite) throws {
        self.site = site
        for role in ScratchSite.Role.allCases { processes[role] = try site.start(role) }
    }

    deinit { _ = stop() }

    /// Exit codes.
    func stop() -> [Int] {
        for process in processes.values { process.send(SIGTERM) }
        let codes = processes.values.map { $0.wait() }
        processes = [:]
        return codes
    }

    /// Ends a process and starts it again.
    func restart(_ role: ScratchSite.Role, meanwhile change: () throws -> Void) throws {
        processes[role]?.send(SIGTERM)
        #expect(processes[role]?.wait() == 0)
        try change()
        processes[role] = try site.start(role)
    }
}

/// A site whose recorder did everything wrong, and what must be true of it. The program is asked nothing: rows, bytes,
/// problems and logs are.
private struct FaultScene {
    let site: ScratchSite
    let truths: [RecorderModelTruth]

    /// A problem by its kind, and the fault of the recording that it is about.
    private struct Told: Hashable, CustomStringConvertible {
        let kind: String
        let fault: RecorderModelFault?
        var description: String { "\(kind) of \(fault?.rawValue ?? "no one")" }
    }

    private func truth(_ fault: RecorderModelFault) throws -> RecorderModelTruth {
        try #require(truths.first { $0.fault == fault })
    }

    private var allLogs: String { ScratchSite.Role.allCases.map { site.log($0) }.joined(separator: "\n") }

    private func marked() async throws -> Set<Int64> {
        try await site.source.perform { session in
            Set(
                try session.query("select id from callrec.couples where synchronized = 'S'").map {
                    try $0.integer("id")
                })
        }
    }

    /// Digests of all that the replay has of a recording.
    private func digests(of truth: RecorderModelTruth) async throws -> Set<String> {
        guard let sid = truth.sid else { return [] }
        let paths = try await site.replay.perform { session in
            try session.query(
                """
                select f.cfpath from callrec.couples c join callrec.cfiles f on f.cplid = c.id where c.sid = $1
                """, [.text(sid)]
            ).map { try $0.text("cfpath") }
        }
        return Set(try paths.map { try sha256(ofFile: $0) })
    }

    // MARK: While it is wrong

    func expectHealthyOnesDone() async throws {
        let healthy = truths.filter { $0.fault == nil }
        let ids = Set(healthy.compactMap(\.id))
        let isDone = try await site.wait(upTo: .seconds(60)) {
            guard try await marked().isSuperset(of: ids) else { return false }
            return try await site.defects(of: healthy).isEmpty
        }
        #expect(healthy.count == 10 && isDone, "\(allLogs)")
    }

    func expectEachFaultTold() async throws {
        let passing: Set<Told> = [
            Told(kind: "missing-file", fault: .missingFile), Told(kind: "short-file", fault: .shortFile),
            Told(kind: "checksum-mismatch", fault: .wrongChecksum), Told(kind: "orphan-files", fault: nil),
            Told(kind: "path-refused", fault: .climbingPath), Told(kind: "path-refused", fault: .leadingOut),
            Told(kind: "key-missing", fault: .unknownKey),
        ]
        let wanted = passing.union(lasting)
        let isTold = try await site.wait(upTo: .seconds(90)) {
            guard try await told() == wanted else { return false }
            return try await site.openProblems().contains { $0.what.hasPrefix("2 files") }
        }
        let difference = try await told().symmetricDifference(wanted)
        #expect(isTold, "\(difference)\n\(allLogs)")
        let sentences = wanted.map { "Problem \($0.kind) at" } + ["does not match the CRC-32", "it is not followed"]
        for sentence in sentences where !allLogs.contains(sentence) { Issue.record("not told: \(sentence)") }
    }

    /// What stays open until a person has seen to it: the recorder has no better.
    private var lasting: Set<Told> {
        [
            Told(kind: "damaged-media", fault: .truncatedSound), Told(kind: "mux-failed", fault: .truncatedSound),
            Told(kind: "damaged-media", fault: .screenWithoutIndex),
            Told(kind: "mux-failed", fault: .screenWithoutIndex), Told(kind: "key-missing", fault: .wrongKey),
        ]
    }

    /// Open problems. Whether a decoder sees what was changed in a ciphertext is chance, and is looked at elsewhere.
    private func told() async throws -> Set<Told> {
        let problems = try await site.openProblems()
        let jobs = try await site.replay.perform { session in
            try session.query("select id, sid from takeup.mux_job").map {
                ("mux job \(try $0.integer("id"))", try $0.text("sid"))
            }
        }
        let sids = Dictionary(uniqueKeysWithValues: jobs)
        return Set(
            problems.map { problem in
                let about = truths.first { truth in
                    guard let id = truth.id else { return false }
                    let reference = "\(ScratchSite.sourceName)/\(id)"
                    return problem.reference == reference || sids[problem.subject] == truth.sid
                        || problem.what.hasPrefix("Recording \(reference) waits for key ")
                }
                return Told(kind: problem.kind, fault: about?.fault)
            }
        ).subtracting([Told(kind: "mux-failed", fault: .tampered)])
    }

    func expectHeldOnesHeld() async throws {
        let arriving = Set(truths.filter(\.arrives).compactMap(\.id))
        let isHeld = try await site.wait(upTo: .seconds(30)) { try await marked() == arriving }
        #expect(isHeld, "\(allLogs)")
        for fault in [RecorderModelFault.missingFile, .shortFile, .wrongChecksum, .unknownKey] {
            let held = try await digests(of: truth(fault))
            #expect(held == [], "\(fault)")
        }
        // The sound cannot be had; the screen is there.
        for fault in [RecorderModelFault.climbingPath, .leadingOut] {
            let truth = try truth(fault)
            let screen = try #require(truth.media.first { $0.kind == "VIDEO" })
            let held = try await digests(of: truth)
            #expect(held == [screen.sha256], "\(fault)")
        }
        #expect(try await site.defects(of: truths.filter { $0.fault != .tampered }) == [])
    }

    /// A changed ciphertext shows where a decoder stumbles, and then there is no result. Nothing else can show it, so
    /// neither copies nor result claim that anything vouches for them.
    func expectDamageKept() async throws {
        let tampered = try truth(.tampered)
        let sid = try #require(tampered.sid)
        let isTried = try await site.wait(upTo: .seconds(60)) {
            try await site.replay.perform { session in
                try !session.query(
                    "select from takeup.mux_job where sid = $1 and (failures > 0 or state = 'done')", [.text(sid)]
                ).isEmpty
            }
        }
        #expect(isTried, "\(site.log(.mux))")
        let (labels, results) = try await site.replay.perform { session in
            let rows = try session.query(
                "select authenticity, is_result from takeup.replica where sid = $1", [.text(sid)])
            return (
                Set(try rows.map { try $0.text("authenticity") }), try rows.filter { try $0.boolean("is_result") }.count
            )
        }
        #expect(labels == ["unauthenticated"])
        let held = try await digests(of: tampered)
        #expect(held.isSuperset(of: tampered.media.map(\.sha256)))
        let failed = try await site.replay.perform { session in
            try session.first("select state, failures from takeup.mux_job where sid = $1", [.text(sid)]).map {
                try $0.integer("failures") > 0
            }
        }
        #expect(failed == (results == 0), "\(site.log(.mux))")
        let checked = try await site.count(
            "select count(*) from takeup.replica where authenticity = 'crc32'", in: site.replay)
        #expect(checked > 0)
    }

    // MARK: The causes go

    /// One file goes and one gets its row, while the agent that told of them is away.
    func healOrphans(_ restart: (_ change: () throws -> Void) throws -> Void) async throws {
        let orphans = truths.filter { $0.fault == .orphan }
        let gone = try #require(orphans.first?.media.first)
        let found = try #require(orphans.last?.media.first)
        let complete = try #require(found.complete)
        let path = try #require(Hex.bytes(of: found.pathHex))
        try await CatalogBuilder(site.source).add(
            RecordingSample("found-again", stop: WallTime(microseconds: complete), seconds: 4).media(
                MediaSample(.audio, FilePath(bytes: path), size: found.size)))
        try restart {
            let place = site.recorder.place(gone)
            #expect(unlink(place.bytes.map { CChar(bitPattern: $0) } + [0]) == 0)
        }
        let isOver = try await site.wait(upTo: .seconds(60)) {
            try await !told().contains(Told(kind: "orphan-files", fault: nil))
        }
        #expect(isOver, "\(site.log(.calls))")
        let isMarked = try await site.wait(upTo: .seconds(60)) {
            let count = "select count(*) from callrec.couples where sid = 'found-again' and synchronized = 'S'"
            return try await site.count(count, in: site.source) == 1
        }
        #expect(isMarked, "\(site.log(.calls))")
    }

    /// One of two whose files never come, which its recorder deletes.
    private var deleted: RecorderModelTruth {
        get throws { try #require(truths.last { $0.fault == .missingFile }) }
    }

    func healTheRest() async throws {
        let recorder = site.recorder
        func path(_ fault: RecorderModelFault) throws -> FilePath {
            let media = try #require(truth(fault).media.first)
            return FilePath(bytes: try #require(Hex.bytes(of: media.pathHex)))
        }
        for fault in [RecorderModelFault.missingFile, .leadingOut] {
            try recorder.put(recorder.faultlessSound(of: truth(fault)), at: path(fault))
        }
        let short = try truth(.shortFile)
        try append(recorder.faultlessSound(of: short), from: short, below: recorder.mountPrefix)
        let climbing = try truth(.climbingPath)
        let corrected = recorder.layout.callsRoot + "/20260101/corrected.mp3"
        try recorder.put(recorder.faultlessSound(of: climbing), at: FilePath(corrected))
        let deletedID = try #require(deleted.id)
        let climbingID = try #require(climbing.media.first?.id)
        let mismatchedID = try #require(truth(.wrongChecksum).media.first?.id)
        try await site.source.transaction { session in
            try session.execute(
                "update callrec.cfiles set cfpath = $2 where id = $1", [.integer(climbingID), .text(corrected)])
            for statement in [
                "delete from callrec.couple_extdata where cplid = $1", "delete from callrec.cfiles where cplid = $1",
                "delete from callrec.couples where id = $1",
            ] { try session.execute(statement, [.integer(deletedID)]) }
            // One bit of it is wrong: the lowest.
            try session.execute(
                "update callrec.cfiles set ckvalue = ckvalue # 1 where id = $1", [.integer(mismatchedID)])
        }
        try await site.replay.perform { session in
            try session.execute(
                """
                insert into callrec.managed_keys (uuid, purpose, algorithm, strength, activationdate)
                values ('00000000-0000-4000-8000-000000000000', 'media', 'AES', 256, now())
                """)
        }
    }

    /// Writes the rest of a file that was cut.
    private func append(_ whole: [UInt8], from truth: RecorderModelTruth, below prefix: String) throws {
        let media = try #require(truth.media.first)
        let place = site.recorder.place(media)
        let descriptor = open(place.bytes.map { CChar(bitPattern: $0) } + [0], O_WRONLY | O_APPEND | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let rest = Array(whole.dropFirst(Int(media.size)))
        #expect(write(descriptor, rest, rest.count) == rest.count)
    }

    func expectAllWell() async throws {
        let deleted = try deleted
        let whole = try truths.filter {
            $0.fault != .orphan && $0.fault != .tampered && $0.number != deleted.number
        }.map { truth in
            var truth = truth
            truth.arrives = true
            if truth.fault == .shortFile {
                truth.media[0].sha256 = sha256(of: try site.recorder.faultlessSound(of: truth))
            }
            return truth
        }
        let ids = Set(truths.compactMap(\.id)).subtracting([deleted.id].compactMap(\.self))
        let isDone = try await site.wait(upTo: .seconds(120)) {
            guard try await marked().isSuperset(of: ids), try await told() == lasting else { return false }
            return try await site.defects(of: whole).isEmpty
        }
        let unmarked = try await ids.subtracting(marked())
        let difference = try await told().symmetricDifference(lasting)
        let defects = try await site.defects(of: whole)
        #expect(isDone, "unmarked \(unmarked), \(difference), \(defects)\n\(allLogs)")
        #expect(try site.stagedLeftovers() == [])
        #expect(try await site.unnamedFiles() == [])
    }

    // MARK: What is said

    /// Telephone numbers stand in every sid and in most names; only lines for debugging may hold them.
    func expectNoNumbers() async throws {
        let number = "447700900"
        #expect(truths.contains { $0.sid?.contains(number) == true })
        #expect(truths.contains { $0.media.contains { $0.path.contains(number) } })
        let sids = truths.compactMap(\.sid)
        var texts = allLogs.split(separator: "\n").filter { $0.split(separator: " ").dropFirst().first != "debug" }
            .map(String.init)
        #expect(texts.count > truths.count)
        texts += try await site.replay.perform { session in
            try session.query(
                """
                select concat_ws(' ', subject, reference, what, hint) as said from takeup.problem
                union all select concat_ws(' ', why, last_error) from takeup.sighting
                union all select last_error from takeup.transfer
                union all select last_error from takeup.mux_job
                """
            ).compactMap { try $0.optionalText("said") }
        }
        for text in texts where text.contains(number) || sids.contains(where: text.contains) {
            Issue.record("a number is told: \(text)")
        }
    }
}
