internal import Files
internal import Planning
internal import Settings
internal import Vocabulary
internal import Watching

/// A recorder's directory as it is mounted here: that it proves itself, and how it will be watched.
struct MountCheck: Sendable {
    let source: SourceSettings
    let mount: MountSettings

    var subject: String { "mount" }

    var check: Check {
        guard source.isEnabled else { return Check(late: nil) { [] } }
        return Check(late: finding(of: .unresponsive)) {
            let expectation = MountExpectation(
                path: mount.directory, mustBeMountPoint: mount.isMountPoint, marker: mount.marker?.utf8Text)
            let threads = FileThreads(name: "check-mount", count: 1)
            let proof = MountProof(expectation, threads: threads, timeout: SiteCheck.patience)
            return [finding(of: await proof.look())]
        }
    }

    func finding(of state: MountState) -> CheckFinding {
        switch state {
        case .proven(let identity): CheckFinding(.ok, subject, "\(mount.path): \(proven(identity))")
        case .absent(let absence): absent(absence)
        case .wrong(let fault): wrong(fault)
        case .unresponsive:
            fail("does not answer.", "Look at the network and at the server that exports it.")
        case .unknown(let number):
            fail(
                "could not be looked at: descriptors or memory have run out here (errno \(number)).",
                "Raise `ulimit -n`, or look what holds them, and check again.")
        }
    }

    private func proven(_ identity: MountIdentity) -> String {
        let type = identity.fileSystem.type
        let mode = chooseWatchMode(
            setting: WatchMode(rawValue: mount.watch.rawValue), fileSystem: type, blind: BlindCount(), hasInstance: true
        ).mode
        let watching =
            switch mode {
            case .event: "events"
            case .mixed: "events and polling"
            case .polling: "polling"
            }
        let from = identity.fileSystem.source.isEmpty ? "" : " from \(identity.fileSystem.source)"
        let place = mount.isMountPoint ? "\(type)\(from)" : "plain directory on \(type)"
        let marker = mount.marker.map { ", marker \($0.displayText)" } ?? ""
        return "\(place), \(watching)\(marker)"
    }

    private func absent(_ absence: MountAbsence) -> CheckFinding {
        switch absence {
        case .noDirectory: fail("is not there.", "Make the directory and mount the recorder's export on it.")
        case .notMountPoint:
            fail("nothing is mounted there.", "Mount it; mount_point = false if a plain directory is meant.")
        case .disconnected:
            fail("\(absence.words.1).", "Look at the server that exports it, and mount it anew.")
        }
    }

    private func wrong(_ fault: MountFault) -> CheckFinding {
        switch fault {
        case .notDirectory: fail("is not a directory.", "Correct the path in `mounts`.")
        case .otherFileSystem: fail("another file system was mounted there.", "Mount the recorder's export.")
        case .noMarker(let name):
            fail("its marker \(name) is not there.", "Mount the right export, or make the marker on it once.")
        case .otherMarker(let name): fail("its marker \(name) changed.", "Mount the right export.")
        case .unreadable(let number):
            fail("can't be read (errno \(number)).", "Let the service's user read the directory.")
        }
    }

    private func fail(_ what: String, _ hint: String) -> CheckFinding {
        CheckFinding(.fail, subject, "\(mount.path): \(what)", hint: hint)
    }
}
