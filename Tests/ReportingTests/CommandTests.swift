import Glibc
import Reporting
import Settings
import Support
import Telemetry
import Testing

/// The built program, run as a person would.
@Suite struct CommandTests {
    @Test func `check names everything that is wrong with the settings at once`() async throws {
        let site = try await Site()
        let file = try site.write(
            """
            [replay]
            name = "replay1"
            database = "host=/nowhere dbname=callrec"
            [[replay.volumes]]
            name = "a"
            path = "srv/a"
            watermark = 85
            [[sources]]
            name = "one"
            database = "host=rec.example dbname=callrec"
            mount_path = "/mnt/one"
            mounts = ["/mnt/one/calls"]
            time_zone = "Europe/Nowhere"
            """)
        let check = try BuiltProgram.run("check", "--config", file)
        #expect(check.code == 78)
        #expect(check.text.contains("\(file): 3 problems"))
        for key in ["path", "watermark", "time_zone"] { #expect(check.text.contains(key)) }
    }

    @Test func `check says what fails, and ends with 1`() async throws {
        let site = try await Site()
        let file = try site.write()
        let check = try BuiltProgram.run("check", "--config", file)
        #expect(check.code == 1)
        #expect(check.text.contains("fail  volume a"))
        #expect(check.text.hasSuffix("2 failures.\n"))
        #expect(!check.text.contains("\u{1B}"))
    }

    @Test func `a volume is made, and then check finds nothing wrong`() async throws {
        let site = try await Site()
        let file = try site.write()
        let first = try BuiltProgram.run("volume", "init", "\(site.home)/a", "--config", file)
        #expect(first.code == 0)
        #expect(first.text.contains("The settings have it as volume a."))
        #expect(first.text.contains("Warning: nothing is mounted on"))
        let second = try BuiltProgram.run("volume", "init", "\(site.home)/b", "--plain-directory")
        #expect(second.code == 0)
        #expect(!second.text.contains("Warning"))
        let check = try BuiltProgram.run("check", "--config", file)
        #expect(check.code == 0, "\(check.text)")
        #expect(check.text.hasSuffix("Everything is as it should be.\n"))
        #expect(try BuiltProgram.run("volume", "init", "\(site.home)/nowhere").code == 1)
    }

    @Test func `status of a ledger, as a page and as JSON`() async throws {
        let site = try await Site()
        let file = try site.write()
        let early = try BuiltProgram.run("status", "--config", file)
        #expect(early.code == 1)
        #expect(early.text.contains("start an agent of this version once"))
        try await site.makeLedger()
        let empty = try BuiltProgram.run("status", "--config", file)
        #expect(empty.code == 0)
        #expect(empty.text.contains("No problem is open."))
        try await site.fillLedger()
        let full = try BuiltProgram.run("status", "--config", file)
        #expect(full.code == 0)
        #expect(full.text.contains("3 problems are open:"))
        #expect(!full.text.contains("\u{1B}"))
        let document = try BuiltProgram.run("status", "--json", "--config", file)
        #expect(document.code == 0)
        #expect(document.text.hasPrefix("{\n  \"version\": 1,\n"))
    }

    @Test func `a watched status is drawn again, and a signal leaves the terminal as it was`() async throws {
        let site = try await Site()
        let file = try site.write()
        try await site.makeLedger()
        let (screen, number) = ("\(site.home)/screen", "\(site.home)/number")
        let command = "echo $$ > \(number); exec \(try BuiltProgram.path()) status --watch 0.2 --config \(file)"
        let child = try ChildProcess(["/usr/bin/script", "-qefc", command, "/dev/null"], outputPath: screen)
        let deadline = ContinuousClock.now + .seconds(30)
        func drawings() throws -> Int { try FileText.file(screen).split(separator: "No problem is open.").count - 1 }
        while try drawings() < 2, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        let process = try #require(pid_t(try FileText.file(number).filter(\.isNumber)))
        kill(process, SIGINT)
        #expect(child.wait() == 0)
        let text = try FileText.file(screen)
        #expect(try drawings() >= 2)
        #expect(text.hasPrefix(LiveScreen.begin))
        #expect(text.hasSuffix(LiveScreen.end))
    }

    @Test func `a replay that is away is one sentence`() async throws {
        let site = try await Site()
        let file = try site.write(site.text(replayDatabase: "host=/nowhere dbname=callrec"))
        let status = try BuiltProgram.run("status", "--config", file)
        #expect(status.code == 1)
        #expect(status.text.hasPrefix("The replay's database is away: "))
        #expect(status.text.split(separator: "\n").count == 1)
    }

    @Test func `files are listed of a mount that there is, as a page and as JSON`() async throws {
        let site = try await Site()
        let file = try site.write()
        let early = try BuiltProgram.run("files", "--missing", "--config", file)
        #expect(early.code == 1)
        #expect(early.text.contains("start an agent of this version once"))
        try await site.fillLedger()
        let all = try BuiltProgram.run("files", "--missing", "--config", file)
        #expect(all.code == 0)
        #expect(all.text.contains("\(site.home)/rec/screens: 1 file is missing.\n"))
        #expect(all.text.contains("\(site.home)/rec/calls: no file is missing.\n"))
        #expect(!all.text.contains("\u{1B}"))
        let one = try BuiltProgram.run(
            "files", "--orphans", "--mount", "\(site.home)/rec/calls/", "--json", "--limit", "1", "--config", file)
        #expect(one.code == 0)
        #expect(one.text.hasPrefix("{\n  \"version\": 1,\n  \"what\": \"orphans\",\n"))
        #expect(!one.text.contains("rec/screens"))
        let none = try BuiltProgram.run("files", "--orphans", "--mount", "/mnt/nowhere", "--config", file)
        #expect(none.code == 64)
        #expect(none.text.contains("No source has a mount /mnt/nowhere. The settings have: \(site.home)/rec/calls"))
        let away = try BuiltProgram.run(
            "files", "--orphans", "--config", try site.write(site.text(replayDatabase: "host=/nowhere dbname=callrec")))
        #expect(away.code == 1)
        #expect(away.text.hasPrefix("The replay's database is away: "))
    }

    @Test func `the reference, the example and the catalog are printed`() throws {
        #expect(try BuiltProgram.run("settings", "--reference").text == SettingsReference.markdown())
        #expect(try BuiltProgram.run("settings", "--example").text == SettingsReference.exampleFile())
        #expect(try BuiltProgram.run("events", "--catalog").text == JournalCatalog.text())
    }

    @Test(arguments: [
        (["settings"], "--reference or --example"), (["events"], "--catalog"),
        (["status", "5"], "takeup status --watch 5"), (["status", "--watch", "0"], "between 0.2 and 3600"),
        (["status", "--json", "--watch"], "leave out --watch"), (["status", "--watch"], "needs a terminal"),
        (["files"], "--missing or --orphans"), (["files", "--missing", "--orphans"], "--missing or --orphans"),
        (["files", "--missing", "--limit", "0"], "between 1 and 100000"),
        (["files", "--missing", "--limit", "100001"], "between 1 and 100000"),
    ])
    func `wrong words get a helpful sentence`(arguments: [String], sentence: String) throws {
        let refused = try BuiltProgram.run(arguments)
        #expect(refused.code == 64)
        #expect(refused.text.contains(sentence))
    }
}

enum FileText {
    /// Also of files that don't tell their size.
    static func file(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SiteFailure(description: "\(path) can't be read") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}
