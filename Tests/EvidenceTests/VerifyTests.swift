import Glibc
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// `takeup verify`, the built program.
@Suite(.serialized) struct VerifyTests {
    @Test(.timeLimit(.minutes(2)))
    func `a path, a directory and a recording are compared with the ledger`() async throws {
        let site = try await EvidenceSite([10, 20])
        let settings = ["--config", site.solution.settingsPath]
        let path = try await site.path(of: 0)
        func verify(_ what: String, _ more: String...) throws -> (code: Int, output: String) {
            try site.solution.run(["verify"] + settings + more + [what])
        }
        for what in [path, "one/1", "call-0"] {
            let answer = try verify(what)
            #expect(answer.code == 0 && answer.output.contains("fine        AUDIO of one/1"), "\(answer)")
        }
        let all = try verify(site.solution.volume)
        #expect(all.code == 0 && all.output.contains("2 fine, 0 not"), "\(all)")
        let link = site.solution.directory + "/link"
        try ChildProcess.run(["/bin/ln", "-s", site.solution.volume, link])
        for way in [site.solution.volume + "/./one/../one/", link] {
            let there = try verify(way)
            #expect(there.code == 0 && there.output.contains("2 fine, 0 not"), "\(there)")
        }
        let json = try verify("one/2", "--json")
        #expect(json.code == 0 && json.output.contains("\"state\":\"fine\"") && !json.output.contains("fine,"))
        #expect(try verify("nobody").code == 1)
        #expect(try verify("/etc/passwd").code == 64)

        try site.corrupt(path)
        let changed = try verify("call-0")
        #expect(changed.code == 1 && changed.output.contains("CHANGED     AUDIO of one/1"), "\(changed)")
        let stranger = FilePath(path).parent.appending("stranger.mp3").displayText
        try writeSample([1, 2, 3], to: stranger)
        try ChildProcess.run(["/bin/rm", try await site.path(of: 1)])
        let directory = try verify(FilePath(path).parent.displayText)
        for word in ["CHANGED", "MISSING", "NOT KNOWN", "0 fine, 3 not"] {
            #expect(directory.output.contains(word), "\(directory)")
        }
        #expect(directory.code == 1)
        #expect(try verify(stranger).code == 1)

        try ChildProcess.run(["/bin/mv", site.solution.volume, site.solution.volume + ".away"])
        // The first to see that counts as having told it for all, so it is told.
        let away = try verify("call-1")
        #expect(away.code == 69 && away.output.contains("UNSEEN      AUDIO of one/2, a:one/"), "\(away)")
        if !JournalNarrator.isThere { #expect(away.output.contains(" is not available: "), "\(away)") }
        #expect(try await site.problems() == ["volume-unavailable"])
        let again = try verify(path)
        #expect(again.code == 69 && !again.output.contains(" is not available: "), "\(again)")
        try ChildProcess.run(["/bin/mv", site.solution.volume + ".away", site.solution.volume])
        try site.solution.configure([site.source], more: "")
        try ChildProcess.run([
            "/bin/sed", "-i", "s#^database = .*dbname=#database = \"host=/nowhere dbname=#", site.solution.settingsPath,
        ])
        #expect(try verify(path).code == 69)
    }
}
