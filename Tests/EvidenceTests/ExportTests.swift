import Files
import Glibc
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// `takeup export`, the built program; the bag is checked by the tools that others have.
@Suite(.serialized) struct ExportTests {
    /// What RFC 8493 asks of a bag: complete, and each digest right. By coreutils, and by Python's bagit where it is.
    private func check(_ bag: String) throws -> Int {
        try ChildProcess([
            "/bin/sh", "-c",
            """
            set -e; cd '\(bag)'
            test "$(cat bagit.txt)" = "$(printf 'BagIt-Version: 1.0\\nTag-File-Character-Encoding: UTF-8')"
            for sum in 256 512; do
                sha${sum}sum --strict --quiet -c manifest-sha$sum.txt
                sha${sum}sum --strict --quiet -c tagmanifest-sha$sum.txt
                find data -type f | LC_ALL=C sort >/tmp/bag.$$.there
                cut -c$((sum / 4 + 3))- manifest-sha$sum.txt | LC_ALL=C sort >/tmp/bag.$$.listed
                cmp /tmp/bag.$$.there /tmp/bag.$$.listed
                for file in bagit.txt bag-info.txt manifest-sha256.txt manifest-sha512.txt; do
                    grep -q "  $file$" tagmanifest-sha$sum.txt
                done
            done
            bytes=$(find data -type f -printf '%s\\n' | awk '{ n += $1 } END { print n }')
            grep -qx "Payload-Oxum: $bytes.$(find data -type f | wc -l)" bag-info.txt
            rm -f /tmp/bag.$$.*
            if python3 -c 'import bagit' 2>/dev/null; then python3 -m bagit --validate .; fi
            """,
        ]).wait()
    }

    @Test(.timeLimit(.minutes(2)))
    func `a bag holds the copies and what is known of them, and is valid`() async throws {
        let site = try await EvidenceSite([10, 20, 30])
        let bag = site.solution.directory + "/case 47"
        func export(_ place: String, _ recordings: String...) throws -> (code: Int, output: String) {
            try site.solution.run(["export", "--config", site.solution.settingsPath, "--to", place] + recordings)
        }
        let made = try export(bag, "call-0", "one/3")
        #expect(made.code == 0 && made.output.contains("2 recordings, 2 files"), "\(made)")
        #expect(try check(bag) == 0)
        let twice = try export(bag + " again", "call-0", "one/1")
        #expect(twice.code == 0 && twice.output.contains("1 recording, 1 file"), "\(twice)")
        let files = try ChildProcess.run(["/usr/bin/find", bag, "-type", "f", "-name", "*.bin"]).split(separator: "\n")
        let contents = try files.map { try readSample(String($0)) }
        #expect(Set(contents) == [site.contents[0], site.contents[2]])
        let about = String(decoding: try readSample(bag + "/data/recording-0001/recording.json"), as: UTF8.self)
        for word in ["\"sid\" : \"call-0\"", "\"sha256\"", "\"source\" : \"one\"", "\"problem_status\""] {
            #expect(about.contains(word), "\(about)")
        }
        // A bag in which anything is changed, or anything is too many, is none: the checker can tell.
        let extra = bag + "/data/extra"
        try writeSample([1], to: extra)
        #expect(try check(bag) != 0)
        try ChildProcess.run(["/bin/rm", extra])
        try site.corrupt(String(try #require(files.first)))
        #expect(try check(bag) != 0)
        // Never into what is there, whatever it is.
        #expect(try export(bag, "call-0").code == 73)
        #expect(try export(site.solution.directory + "/no/such/place", "call-0").code == 73)
        #expect(try export(site.solution.directory + "/none", "call-0", "nobody").code == 1)

        // What is not what was copied gets into no bag, and nothing is left of it.
        try site.corrupt(try await site.path(of: 1))
        let bad = try export(site.solution.directory + "/bad", "call-0", "call-1")
        #expect(bad.code == 1 && bad.output.contains("is not what was copied"), "\(bad)")
        try ChildProcess.run(["/bin/mv", site.solution.volume, site.solution.volume + ".away"])
        #expect(try export(site.solution.directory + "/away", "call-0").code == 69)
        let left = try ChildProcess.run(["/bin/ls", "-A", site.solution.directory])
        for word in ["bad", "none", "/no", ".away."] { #expect(!left.contains(word), "\(left)") }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a read error of the copy is the copy's, a write error is the bag's place's`() async throws {
        let site = try await EvidenceSite([10])
        let base = try await site.base(MemoryNarrator())
        let settings = try site.settings()
        func export(_ fault: @escaping @Sendable (FileCall, Int) -> FaultyFiles.Fault?) async throws
            -> Exporting.Refused.Code?
        {
            let place = FilePath(site.solution.directory + "/bag-\(UInt64.random(in: 0 ... .max))")
            do {
                _ = try await Exporting(settings: settings, base: base, version: "test", calls: FaultyFiles(fault)).run(
                    ["call-0"], to: place)
                return nil
            } catch let refused as Exporting.Refused {
                return refused.code
            }
        }
        #expect(try await export { _, _ in nil } == nil)
        // The first read is the marker's.
        let reads = Mutex(0)
        @Sendable func number() -> Int {
            reads.withLock { count in
                count += 1
                return count
            }
        }
        #expect(try await export { call, _ in call == .read && number() == 2 ? .fail(EIO) : nil } == .content)
        reads.withLock { $0 = 0 }
        #expect(try await export { call, _ in call == .read && number() == 1 ? .fail(EIO) : nil } == .unreachable)
        #expect(try await export { call, _ in call == .write ? .fail(EIO) : nil } == .place)
        #expect(try await export { call, _ in call == .write ? .fail(ENOSPC) : nil } == .place)
        #expect(try await export { call, _ in call == .syncFile ? .fail(EIO) : nil } == .place)
        let left = try ChildProcess.run(["/bin/ls", "-A", site.solution.directory])
        #expect(left.split(separator: "\n").count { $0.contains("bag-") } == 1, "\(left)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `one that is stopped leaves nothing, and a name of full length is no hindrance`() async throws {
        let site = try await EvidenceSite([10])
        let (base, settings) = (try await site.base(MemoryNarrator()), try site.settings())
        let place = FilePath(site.solution.directory + "/stopped")
        let work = Mutex<Task<Exporting.Report, any Error>?>(nil)
        let calls = FaultyFiles { call, _ in call == .write ? .meanwhile { work.withLock { $0?.cancel() } } : nil }
        let task = work.withLock { work in
            let task = Task {
                try await Exporting(settings: settings, base: base, version: "test", calls: calls).run(
                    ["call-0"], to: place)
            }
            work = task
            return task
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!(try ChildProcess.run(["/bin/ls", "-A", site.solution.directory]).contains("stopped")))

        let copy = FilePath(try await site.path(of: 0))
        let name = String(repeating: "x", count: 251) + ".bin"
        try ChildProcess.run(["/bin/mv", copy.displayText, copy.parent.appending(name).displayText])
        let own = copy.displayText.split(separator: "/").last.map(String.init) ?? ""
        try await site.run(
            """
            update callrec.cfiles set cfpath = replace(cfpath, '\(own)', '\(name)');
            update takeup.replica set path = convert_to(
                replace(convert_from(path, 'UTF8'), '\(own)', '\(name)'), 'UTF8');
            """)
        _ = try await Exporting(settings: settings, base: base, version: "test").run(["call-0"], to: place)
        let files = try ChildProcess.run(["/usr/bin/find", place.displayText, "-name", "*x.bin"]).split(separator: "\n")
        #expect(files.count == 1)
        #expect(try check(place.displayText) == 0)
    }
}
