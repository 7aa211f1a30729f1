import Glibc
import Vocabulary

@testable import Settings

/// The files that a settings file may point to, in memory.
func environment(_ variables: [String: String] = [:], files: [String: String] = [:]) -> SettingsEnvironment {
    let zone = ["/usr/share/zoneinfo/Europe/Prague": "TZif2", "/usr/share/zoneinfo/zone.tab": "# a list"]
    let files = files.merging(zone) { one, _ in one }
    return SettingsEnvironment(variables: variables) { path throws(UnreadableFile) in
        guard let text = files[path.displayText] else { throw UnreadableFile(reason: "No such file or directory") }
        return Array(text.utf8)
    }
}

func load(
    _ text: String, in environment: SettingsEnvironment = environment()
) throws(SettingsRefused) -> Settings {
    try Settings.load(bytes: Array(text.utf8), named: FilePath("takeup.toml"), environment: environment)
}

/// What is wrong with a file; nothing where it is loaded.
func problems(_ text: String, in environment: SettingsEnvironment = environment()) -> [SettingsProblem] {
    do {
        _ = try load(text, in: environment)
        return []
    } catch {
        return error.problems
    }
}

/// The smallest file there can be, with more inside its tables and behind them.
func small(replay: String = "", volume: String = "", source: String = "", rest: String = "") -> String {
    """
    [replay]
    name = "replay1"
    database = "host=replay.example dbname=callrec"
    \(replay)
    [[replay.volumes]]
    name = "a"
    path = "/srv/a"
    \(volume)
    [[sources]]
    name = "one"
    database = "host=rec.example dbname=callrec"
    mount_path = "/mnt/one"
    mounts = ["/mnt/one/calls"]
    time_zone = "UTC"
    index_files = []
    \(source)
    \(rest)
    """
}

/// The root of this package.
func packageFile(_ path: String) -> FilePath {
    let root = FilePath(#filePath).parent.parent.parent
    return FilePath(bytes: root.bytes + Array("/\(path)".utf8))
}

/// Compares a file of the package with what it is made of; with `TAKEUP_REGENERATE=1` writes it instead.
func isCurrent(_ path: String, _ text: String) throws -> Bool {
    let file = packageFile(path)
    if getenv("TAKEUP_REGENERATE") != nil {
        let descriptor = open(file.displayText, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        let bytes = Array(text.utf8)
        let written = write(descriptor, bytes, bytes.count)
        close(descriptor)
        return written == bytes.count
    }
    return try SettingsEnvironment.ofProcess().readFile(file) == Array(text.utf8)
}
