internal import ArgumentParser
internal import Delivery
internal import Evidence
internal import Settings
internal import Telemetry
internal import Vocabulary

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Makes a BagIt bag of recordings for a case file.",
        discussion: """
            The bag (RFC 8493) holds each recording's copies, and what the replay knows of it as recording.json, with \
            manifests in SHA-256 and SHA-512. Every copy is compared with the digest on record while it is read, and read \
            back from the bag. The directory appears when it is whole, and nothing is ever written into one that is there.

            Exit code: 0 where the bag is made, 1 where a recording is not held or a copy is not what was copied or cannot \
            be read, 69 where the ledger or a volume can't be reached, 73 where the bag can't be made there, 75 where it \
            was stopped, 78 where the settings can't be used. But for 0, nothing is left behind.
            """)

    @OptionGroup var config: ConfigOption

    @Option(help: ArgumentHelp("The bag's directory, which must not be there yet.", valueName: "dir"))
    var to: String

    @Argument(help: ArgumentHelp("Recordings: sids, or SOURCE/ID as status and journal name them.", valueName: "sid"))
    var recordings: [String]

    func run() async throws {
        let settings = try config.load()
        do {
            let base = try await ReplayBase(
                settings: settings, role: "export", version: Version.text, environment: .ofProcess(),
                narrator: narrator(of: settings))
            let (wanted, place) = (recordings, FilePath(to))
            let work = Task {
                try await Exporting(settings: settings, base: base, version: Version.text).run(wanted, to: place)
            }
            StopSignals.onStop { work.cancel() }
            let report = try await work.value
            Terminal.say(
                "\(to): \(report.recordings) \(report.recordings == 1 ? "recording" : "recordings"), \(report.files) "
                    + "\(report.files == 1 ? "file" : "files"), \(report.bytes) bytes, each as on record.")
        } catch let error as Exporting.Refused {
            Terminal.complain(error.description)
            // EX_CANTCREAT and EX_UNAVAILABLE of sysexits(3).
            switch error.code {
            case .content: throw ExitCode.failure
            case .place: throw ExitCode(73)
            case .unreachable: throw ExitCode(69)
            }
        } catch is CancellationError {
            Terminal.complain("Stopped: no bag was made, and nothing is left of it.")
            throw ExitCode(75)  // EX_TEMPFAIL of sysexits(3)
        } catch {
            Terminal.complain("Nothing could be exported: \(error)")
            throw ExitCode(69)
        }
    }
}
