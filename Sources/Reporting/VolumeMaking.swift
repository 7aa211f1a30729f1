internal import Files
package import Settings
package import Vocabulary

/// Makes a directory a volume: gives it the marker by which it is known from then on.
package enum VolumeMaking {
    package struct Made: Hashable, Sendable {
        package let id: VolumeID
        package let path: FilePath
        /// It was a volume before; nothing was written.
        package let wasThere: Bool
        /// Whether something is mounted there. Nil: the kernel does not tell.
        package let isMountPoint: Bool?
    }

    /// A directory that is made no volume, in a sentence.
    package struct Refusal: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter settings: where given, a directory inside a recorder's mount is refused.
    package static func make(at path: FilePath, settings: Settings?) throws(Refusal) -> Made {
        let name = path.displayText
        guard path.isAbsolute else {
            throw Refusal(description: "Give the whole path of the directory, as the settings name it: /…/\(name).")
        }
        for source in settings?.sources ?? [] {
            for mount in source.mounts
            where mount.directory.components == path.components || path.relative(to: mount.directory) != nil {
                throw Refusal(
                    description: "\(name) lies inside \(mount.path), a mount of source \(source.name): recorders'"
                        + " directories are only read.")
            }
        }
        do throws(FileError) {
            let calls = KernelFiles()
            let root = try calls.openRoot(path)
            let observation = try calls.observe(root.descriptor)
            let creation = try VolumeMarker.create(in: root.descriptor)
            return Made(
                id: creation.id, path: path, wasThere: creation.wasThere, isMountPoint: observation.isMountRoot)
        } catch {
            throw Refusal(description: sentence(error, name))
        }
    }

    private static func sentence(_ error: FileError, _ name: String) -> String {
        switch error.code {
        case .notFound: "\(name) is not there: make the directory, or mount the disk, first."
        case .notDirectory: "\(name) is not a directory: a volume is the directory that takes the copies."
        case .notPermitted: "\(name) can't be written to: run this as a user who may."
        case .readOnly: "\(name) is mounted read-only: a volume must take copies."
        case .exists:
            "\(name) has a file \(VolumeMarker.name.displayText) that is no marker of Takeup: look at it, and remove it."
        case .noSpace, .quota, .tooLarge, .inputOutput, .stale, .unsupported, .nameTooLong, .crossesDevice, .escapes,
            .busy, .timeout, .interrupted, .exhausted, .other:
            "\(name) could not be made a volume: \(error)."
        }
    }
}

extension VolumeMaking.Made {
    /// What to say of it on standard output.
    /// - Parameter settings: where given, whether it is a volume there.
    package func text(settings: Settings?) -> String {
        let name = path.displayText
        let first =
            wasThere
            ? "\(name) is a volume already, with the marker \(id). Nothing was changed."
            : "\(name) is a volume now, with the marker \(id)."
        let named = settings?.replay.allVolumes.first { $0.path.components == path.components }
        if let named { return "\(first)\nThe settings have it as volume \(named.name)." }
        return """
            \(first)
            Put it into the settings, unless it is there:

            [[replay.volumes]]
            name = "\(suggestedName)"
            path = "\(name)"
            priority = 1
            balance = 100
            watermark = "85%"
            """
    }

    /// What the marker is worth on a directory that is no mount point; nil where something is mounted.
    package var doubt: String? {
        guard isMountPoint == false else { return nil }
        return """
            Warning: nothing is mounted on \(path.displayText), so its marker lies on the file system around it: when a \
            disk is to be mounted there, do that first, remove this .takeup-volume, and run this again. Say \
            --plain-directory if a plain directory is meant.
            """
    }

    private var suggestedName: String {
        let last = String(decoding: path.lastComponent, as: UTF8.self)
        let plain = last.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        return plain.isEmpty ? "a" : plain
    }
}
