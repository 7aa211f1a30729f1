internal import ArgumentParser
internal import Glibc
internal import Settings
internal import Telemetry
internal import Vocabulary

/// The settings file, the same for every command.
struct ConfigOption: ParsableArguments {
    @Option(help: ArgumentHelp("The settings file.", valueName: "file"))
    var config = "/etc/takeup/takeup.toml"

    /// Reads and checks the settings; where they can't be used, everything that is wrong goes to standard error.
    func load() throws -> Settings {
        do {
            return try Settings.load(path: FilePath(config), environment: .ofProcess())
        } catch {
            Terminal.complain(String(describing: error))
            throw ExitCode(78)  // EX_CONFIG of sysexits(3): a restart does not help.
        }
    }
}

enum Terminal {
    static func complain(_ text: String) { write(text + "\n", to: STDERR_FILENO) }
    /// Beside the output, without a line feed.
    static func mutter(_ text: String) { write(text, to: STDERR_FILENO) }
    static func say(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    private static func write(_ text: String, to descriptor: CInt) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

/// The clock on this machine's wall.
enum SystemClock {
    static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec / 1000))
    }
}

/// For a command whose output is its answer.
func narrator(of settings: Settings) -> any Narrator {
    commandNarrator(least: Priority(word: settings.journal.level.rawValue) ?? .info, now: SystemClock.now)
}

/// Runs a service until it is told to stop; what stands in the way of its start is told and ends the process.
func serve(
    _ settings: Settings, from file: String,
    _ body: @escaping @Sendable (SettingsEnvironment, any Narrator) async throws -> Void
) async throws {
    let environment = SettingsEnvironment.ofProcess()
    let narrator = standardNarrator(
        least: Priority(word: settings.journal.level.rawValue) ?? .info, environment: environment.variables,
        now: SystemClock.now)
    for warning in settings.warnings {
        narrator.tell(.settingsDoubtful, .settings(FilePath(file)), .detail(String(describing: warning)))
    }
    let work = Task { try await body(environment, narrator) }
    StopSignals.onStop { work.cancel() }
    do {
        try await work.value
    } catch is CancellationError {
        return
    } catch {
        narrator.tell(.processFailed, .detail(error))
        throw ExitCode.failure
    }
}
