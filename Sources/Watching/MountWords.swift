internal import Glibc

/// How a mount that is not proven is told of: a word for programs, and a clause for people.
extension MountAbsence {
    package var words: (String, String) {
        switch self {
        case .noDirectory: ("no-directory", "there is no such directory")
        case .notMountPoint: ("not-mounted", "nothing is mounted there")
        case .disconnected(ESTALE): ("stale", "its server does not know any more what was mounted (ESTALE)")
        case .disconnected(ENOTCONN): ("no-program", "the program behind it has ended (ENOTCONN)")
        case .disconnected(ENODEV): ("no-automount", "its automounter could not mount it (ENODEV)")
        case .disconnected(let code): ("no-server", "its server cannot be reached (errno \(code))")
        }
    }
}

extension MountFault {
    package var words: (String, String) {
        switch self {
        case .notDirectory: ("not-a-directory", "it is no directory")
        case .otherFileSystem(let was, let now):
            ("other-file-system", "it was \(was.words), and now it is \(now.words)")
        case .noMarker(let name): ("no-marker", "its marker \(name) is not there")
        case .otherMarker(let name): ("other-marker", "its marker \(name) holds something else than before")
        case .unreadable(let code): ("unreadable", "its directory cannot be read (errno \(code))")
        }
    }
}

extension FileSystemIdentity {
    /// `nfs4 from rec:/data`.
    package var words: String {
        let place = root == "/" ? "" : ", directory \(root)"
        return type + (source.isEmpty || source == "none" ? "" : " from \(source)") + place
    }
}
