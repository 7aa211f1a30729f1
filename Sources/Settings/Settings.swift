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
