package import Vocabulary

/// Everything that one settings file says, checked, with defaults in place. Services get the small struct that is theirs.
package struct Settings: Hashable, Sendable {
    package let replay: ReplaySettings
    /// At least one. Disabled ones are among them.
    package let sources: [SourceSettings]
    package let synchro: SynchroSettings
    package let watching: WatchingSettings
    package let copying: CopyingSettings
    package let placement: PlacementSettings
    package let scrub: ScrubSettings
    package let manifests: ManifestSettings
    package let mux: MuxSettings
    package let journal: JournalSettings
    /// What can be started with but should be looked at, in the order of the file.
    package let warnings: [SettingsProblem]

    /// The source and the mount that an agent serves; `nil` where no source has a mount at this path.
    package func mount(at path: MountPath) -> (source: SourceSettings, mount: MountSettings)? {
        for source in sources {
            for mount in source.mounts where mount.path == path { return (source, mount) }
        }
        return nil
    }
}

extension Settings {
    /// Reads and checks a settings file. Throws everything that is wrong with it at once.
    package static func load(
        path: FilePath, environment: SettingsEnvironment = .ofProcess()
    ) throws(SettingsRefused) -> Settings {
        let bytes: [UInt8]
        do {
            bytes = try environment.readFile(path)
        } catch {
            let problem = SettingsProblem(
                line: nil, key: "", what: "the file cannot be read: \(error.reason)",
                hint: "Check its path and permissions")
            throw SettingsRefused(file: path, problems: [problem], warnings: [])
        }
        return try load(bytes: bytes, named: path, environment: environment)
    }

    /// The same from the bytes of a file; `name` is only for the text of errors.
    package static func load(
        bytes: [UInt8], named name: FilePath, environment: SettingsEnvironment
    ) throws(SettingsRefused) -> Settings {
        let document: DocumentValue
        do {
            document = try Document.parse(bytes)
        } catch {
            let problem = SettingsProblem(
                line: error.line, column: error.column, key: "", what: error.what,
                hint: "Settings are written in TOML, see toml.io")
            throw SettingsRefused(file: name, problems: [problem], warnings: [])
        }
        let findings = SettingsFindings(isDescribing: false)
        let settings = read(document, findings, in: environment)
        findings.explainStrangers()
        SettingsCrossChecks(settings: settings, findings: findings).run(in: environment)
        let warnings = findings.sortedByLine(findings.warnings)
        guard findings.problems.isEmpty else {
            throw SettingsRefused(
                file: name, problems: findings.sortedByLine(findings.problems), warnings: warnings)
        }
        return Settings(settings, warnings: warnings)
    }

    /// Every key there is, by table, as declared where it is read.
    static func declarations() -> [SectionDeclaration] {
        let findings = SettingsFindings(isDescribing: true)
        let nothing = DocumentValue(content: .table([:]), line: nil)
        let environment = SettingsEnvironment(variables: [:]) { _ throws(UnreadableFile) in
            throw UnreadableFile(reason: "declarations need no file")
        }
        _ = read(nothing, findings, in: environment)
        return findings.sections.filter { !$0.path.isEmpty }
    }

    private static func read(
        _ document: DocumentValue, _ findings: SettingsFindings, in environment: SettingsEnvironment
    ) -> Settings {
        findings.declare(SectionDeclaration(path: "", isList: false, help: "", isCommented: false))
        var reader = SectionReader(section: "", path: "", table: document, findings: findings)
        let settings = Settings(
            replay: reader.table("replay", "The replay server: one database, and volumes that take copies.") {
                ReplaySettings.read(from: &$0, in: environment)
            },
            sources: reader.tables("sources", atLeastOne: true, "A recorder: its database and its mounted directories.")
            {
                SourceSettings.read(from: &$0, in: environment)
            },
            synchro: reader.table("synchro", "How recordings are looked for, at every source.") {
                SynchroSettings.read(from: &$0)
            },
            watching: reader.table("watching", "When a file counts as complete, and when its absence is a problem.") {
                WatchingSettings.read(from: &$0)
            },
            copying: reader.table("copying", "How files are copied and verified.") { CopyingSettings.read(from: &$0) },
            placement: reader.table("placement", "When volumes alert, and what is never taken from them.") {
                PlacementSettings.read(from: &$0)
            },
            scrub: reader.table("scrub", "How held copies are read again, by takeup-scrub.timer.") {
                ScrubSettings.read(from: &$0)
            },
            manifests: reader.table("manifests", "Lists of digests in closed day directories, for sha256sum -c.") {
                ManifestSettings.read(from: &$0)
            },
            mux: reader.table("mux", "How sound and screen become one file.") { MuxSettings.read(from: &$0) },
            journal: reader.table("journal", "What goes into the journal.") { JournalSettings.read(from: &$0) },
            warnings: [])
        reader.finish()
        return settings
    }

    private init(_ settings: Settings, warnings: [SettingsProblem]) {
        self.init(
            replay: settings.replay, sources: settings.sources, synchro: settings.synchro, watching: settings.watching,
            copying: settings.copying, placement: settings.placement, scrub: settings.scrub,
            manifests: settings.manifests, mux: settings.mux,
            journal: settings.journal,
            warnings: warnings)
    }
}
