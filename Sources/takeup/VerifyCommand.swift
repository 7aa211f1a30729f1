internal import ArgumentParser
internal import Delivery
internal import Evidence
internal import Settings
internal import Telemetry
internal import Vocabulary

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compares files on volumes with the digests on record.",
        discussion: """
            Reads each file whole, from the disk where that can be proven, and changes nothing. Of a directory, \
            everything below it is compared, and files that no record is of are named.

            Exit code: 0 where all are what was copied, 1 where one is not, is not there, or nothing is on record, 64 \
            where the path lies on no volume, 69 where the ledger or a volume can't be reached, 78 where the settings \
            can't be used.
            """)

    @OptionGroup var config: ConfigOption

    @Flag(help: "Prints JSON for programs: a line for each file.")
    var json = false

    @Argument(
        help: ArgumentHelp(
            "A path on a volume, from the root (/…); or a recording: its sid, or SOURCE/ID.", valueName: "path|sid"))
    var what: String

    func run() async throws {
        let settings = try config.load()
        let choice: Verifying.Choice = what.hasPrefix("/") ? .path(FilePath(what)) : .recording(what)
        let counts: [Verifying.Finding.State: Int]
        do {
            let base = try await ReplayBase(
                settings: settings, role: "verify", version: Version.text, environment: .ofProcess(),
                narrator: narrator(of: settings))
            counts = try await Verifying(settings: settings, base: base).run(choice) { finding in
                Terminal.say(json ? finding.json : finding.line)
            }
        } catch let error as Verifying.OnNoVolume {
            Terminal.complain(error.description)
            throw ExitCode.validationFailure
        } catch {
            Terminal.complain("It could not be verified: \(error)")
            throw ExitCode(69)  // EX_UNAVAILABLE of sysexits(3)
        }
        let fine = counts[.fine] ?? 0
        let unseen = counts[.unseen] ?? 0
        let bad = counts.values.reduce(0, +) - fine - unseen
        if !json {
            Terminal.say(
                counts.isEmpty
                    ? nothing
                    : "\(fine) fine, \(bad) not, \(unseen) that could not be seen.")
        }
        if json, counts.isEmpty { Terminal.complain(nothing) }
        if bad > 0 || counts.isEmpty { throw ExitCode.failure }
        if unseen > 0 { throw ExitCode(69) }
    }

    private var nothing: String {
        what.hasPrefix("/")
            ? "There is no file at \(what), and none is on record there."
            : "Nothing is on record of \(what). A recording is named by its sid or as SOURCE/ID, a file by its path from the root (/…)."
    }
}
