internal import Vocabulary

/// Checks that look at several settings together. Placeholders of what could not be read are left out: an empty name,
/// path or database name.
struct SettingsCrossChecks {
    let settings: Settings
    let findings: SettingsFindings

    func run(in environment: SettingsEnvironment) {
        refuseSharedNames()
        refuseUnknownResultKey()
        refuseSharedPaths()
        refuseSharedDatabases()
        refuseMountsOutsideTheirSource()
        refuseIndexFilesOutsideTheMounts()
        refuseVolumesInsideOthers()
        refuseSharedVariables(in: environment)
        for (index, source) in settings.sources.enumerated() { warn(about: source, at: "sources[\(index)]") }
        warnOfClearResults()
    }

    // MARK: - Names

    private var volumes: [(volume: VolumeSettings, key: String)] {
        let replay = settings.replay
        return replay.volumes.enumerated().map { ($1, "replay.volumes[\($0)]") }
            + replay.videoVolumes.enumerated().map { ($1, "replay.video_volumes[\($0)]") }
    }

    private var mounts: [(mount: MountSettings, source: SourceSettings, key: String)] {
        settings.sources.enumerated().flatMap { index, source in
            source.mounts.enumerated().map { ($1, source, "sources[\(index)].mounts[\($0)]") }
        }
    }

    private func refuse(_ key: String, _ what: String, _ hint: String) {
        findings.refuse(key, what, hint: hint, line: findings.line(of: key))
    }

    /// Calls `meet` with each item whose identity an earlier one has.
    private func eachRepeated<Item>(
        _ items: [(identity: String, item: Item)], meet: (_ item: Item, _ earlier: Item) -> Void
    ) {
        var first: [String: Item] = [:]
        for (identity, item) in items where !identity.isEmpty {
            if let earlier = first[identity] { meet(item, earlier) } else { first[identity] = item }
        }
    }

    private func at(_ key: String) -> String { findings.line(of: key).map { " (line \($0))" } ?? "" }

    private func refuseSharedNames() {
        eachRepeated(settings.sources.enumerated().map { ($1.name.rawValue, "sources[\($0)].name") }) { key, earlier in
            refuse(key, "another source has this name\(at(earlier))", "Give each source a name of its own")
        }
        eachRepeated(volumes.map { ($0.volume.name.rawValue, "\($0.key).name") }) { key, earlier in
            refuse(key, "another volume has this name\(at(earlier))", "Give each volume a name of its own")
        }
        eachRepeated(settings.mux.keys.enumerated().map { ($1.name, "mux.keys[\($0)].name") }) { key, earlier in
            refuse(key, "another key has this name\(at(earlier))", "Give each key a name of its own")
        }
    }

    private func refuseUnknownResultKey() {
        guard let name = settings.mux.resultKey, !name.isEmpty else { return }
        guard let key = settings.mux.keys.first(where: { $0.name == name }) else {
            refuse("mux.result_key", "there is no key \(name)", "Name a key of [[mux.keys]]")
            return
        }
        if key.id == nil {
            refuse("mux.result_key", "the key \(name) has no id", "Give it the `id` that it has in managed_keys")
        }
    }

    private func refuseSharedVariables(in environment: SettingsEnvironment) {
        var first: [String: SourceName] = [:]
        for (index, source) in settings.sources.enumerated() {
            let variable = SourceSettings.passwordVariable(of: source.name)
            guard environment.variables[variable] != nil else { continue }
            if let other = first[variable], other != source.name {
                refuse(
                    "sources[\(index)].name",
                    "\(source.name) and \(other) would both take their password from $\(variable)",
                    "Rename one of them, or use password_file")
            }
            first[variable] = source.name
        }
    }

    // MARK: - Databases

    private func refuseSharedDatabases() {
        let replay = settings.replay.database.identity
        for (index, source) in settings.sources.enumerated() where !source.database.identity.name.isEmpty {
            let key = "sources[\(index)].database"
            if source.database.identity.isSame(as: replay) {
                refuse(
                    key, "this is the replay's own database, \(replay)\(at("replay.database"))",
                    "A source has a database of its own; correct one of the two")
            }
            let earlier = settings.sources[..<index].firstIndex {
                $0.database.identity.isSame(as: source.database.identity)
            }
            if let earlier {
                refuse(
                    key,
                    "source \(settings.sources[earlier].name) has the same database"
                        + at("sources[\(earlier)].database"), "Put the mounts of one recorder into one source")
            }
        }
    }

    // MARK: - Paths

    private func refuseSharedPaths() {
        let mountPaths = settings.sources.enumerated().map { ($1.mountPath.displayText, "sources[\($0)].mount_path") }
        eachRepeated(mountPaths) { key, earlier in
            refuse(
                key, "another source has this mount_path\(at(earlier))",
                "Recorders have the same paths; mount_path tells them apart")
        }
        eachRepeated(mounts.map { ($0.mount.path.rawValue, $0.key) }) { key, earlier in
            refuse(key, "this mount is named twice\(at(earlier))", "Each mount belongs to one source, once")
        }
    }

    private func refuseMountsOutsideTheirSource() {
        for (mount, source, key) in mounts where !mount.directory.isEmpty && !source.mountPath.isEmpty {
            if !Self.is(mount.directory, atOrBelow: source.mountPath) {
                refuse(
                    key, "\(mount.path) is not below the source's mount_path, \(source.mountPath.displayText)",
                    "mount_path stands before the recorder's own paths; correct one of the two")
            }
        }
    }

    private func refuseIndexFilesOutsideTheMounts() {
        for (index, source) in settings.sources.enumerated() where !source.mountPath.isEmpty {
            for pattern in source.indexFiles {
                guard let fixed = pattern.fixedDirectory else { continue }
                let here = FilePath(bytes: source.mountPath.bytes + Array("/".utf8) + fixed.bytes)
                let isServed = source.mounts.contains { mount in
                    Self.is(here, atOrBelow: mount.directory) || Self.is(mount.directory, atOrBelow: here)
                }
                if !isServed {
                    refuse(
                        "sources[\(index)].index_files", "\(pattern.text) lies below none of the source's mounts",
                        "Mount that directory and add it to mounts")
                }
            }
        }
    }

    private func refuseVolumesInsideOthers() {
        let volumes = volumes.filter { !$0.volume.path.isEmpty }
        for (index, (volume, key)) in volumes.enumerated() {
            for (mount, source, _) in mounts where !mount.directory.isEmpty {
                if Self.is(volume.path, atOrBelow: mount.directory) {
                    refuse(
                        "\(key).path", "the volume lies inside \(mount.path), a mount of source \(source.name)",
                        "Recorders' directories are only read; put the volume elsewhere")
                } else if Self.is(mount.directory, atOrBelow: volume.path) {
                    refuse(
                        "\(key).path", "the volume holds \(mount.path), a mount of source \(source.name)",
                        "Put the volume, or the mount, elsewhere")
                }
            }
            for (other, otherKey) in volumes[..<index] {
                if volume.path.components == other.path.components {
                    refuse(
                        "\(key).path", "volume \(other.name) has this path\(at(otherKey))",
                        "Give each volume a directory of its own")
                } else if Self.is(volume.path, atOrBelow: other.path) || Self.is(other.path, atOrBelow: volume.path) {
                    refuse(
                        "\(key).path", "one of the volumes \(volume.name) and \(other.name) lies inside the other",
                        "Give each volume a directory of its own")
                }
            }
        }
    }

    private static func `is`(_ path: FilePath, atOrBelow other: FilePath) -> Bool {
        path.components == other.components || path.relative(to: other) != nil
    }

    // MARK: - Warnings

    /// A site that encrypts has screens of calls in the clear on its volumes, and has to want that.
    private func warnOfClearResults() {
        let mux = settings.mux
        if mux.keys.isEmpty { return }
        if mux.resultKey == nil, !mux.resultsAreClear {
            findings.warn(
                "mux.keys", "what is muxed of encrypted media is published in the clear, as there is no result_key",
                hint:
                    "Name a key of [[mux.keys]] as mux.result_key, or say that it is meant so: results_are_clear = true",
                line: findings.line(of: "mux.keys[0]"))
        } else if mux.resultKey != nil, mux.resultsAreClear {
            findings.warn(
                "mux.results_are_clear", "results are encrypted, as there is a result_key",
                hint: "Remove one of the two", line: findings.line(of: "mux.results_are_clear"))
        }
    }

    private func warn(about source: SourceSettings, at key: String) {
        func warn(_ setting: String, _ what: String, _ hint: String) {
            findings.warn("\(key).\(setting)", what, hint: hint, line: findings.line(of: "\(key).\(setting)"))
        }
        if source.leavesBytesUncopied {
            let setting = !source.copyFiles ? "copy_files" : source.onlyMixed ? "only_mixed" : "synchronize"
            if source.allowMarkWithoutCopy {
                warn(
                    "allow_mark_without_copy",
                    "recordings of \(source.name) are marked though not all of their media are"
                        + " copied; other tools may delete marked originals",
                    "Make sure that nothing deletes the recorder's files")
            } else {
                warn(
                    setting, "not all media of \(source.name) are copied, so its recordings are never marked",
                    "Set allow_mark_without_copy = true if they shall be marked all the same")
            }
        }
        if !source.copyFiles {
            warn("copy_files", "playing recordings of \(source.name) will be slow", "Set copy_files = true")
        }
        if source.synchronizedAlreadySynchronized {
            warn(
                "synchronized_already_synchronized",
                "recordings of \(source.name) that carry a mark are looked at again",
                "Set it to false when the recovery is over")
        }
    }
}
