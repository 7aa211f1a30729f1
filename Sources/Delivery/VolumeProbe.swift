package import Files
package import Ledger
package import Planning
package import Settings
package import Vocabulary

/// What one look at a volume showed, from this process.
package struct VolumeSample: Sendable {
    package let settings: VolumeSettings
    /// Nil where the volume did not prove itself.
    package let proof: Proof?
    /// Why it can't be used from here; nil where it can.
    package var condition: Planning.VolumeState?
    /// A word or short clause for people.
    package var reason: String?
    /// It has not been looked at in time, which alone tells nothing.
    package var isLate = false
    /// What was promised on its account right before its space was read; nil where that is not known.
    package var promised: AccountStanding?
    /// Which that was.
    package var account: AccountID?
    package var cannotReserve = false
    /// Who runs this process may not look at it.
    package var isDenied = false
    /// Nobody could look, as descriptors or memory have run out here: that says nothing of it.
    package var exhausted: FileError?

    package init(
        settings: VolumeSettings, proof: Proof?, condition: Planning.VolumeState?, reason: String?,
        promised: AccountStanding? = nil
    ) {
        self.settings = settings
        self.proof = proof
        self.condition = condition
        self.reason = reason
        self.promised = promised
    }

    package struct Proof: Sendable {
        package let id: VolumeID
        /// Only for telling volumes of one file system, in one process; never stored.
        package let device: UInt64
        package let facts: FileSystemFacts
    }
}

/// Looks at volumes, each on threads of its own: one that hangs is *hung* and delays no other.
package struct VolumeProbe: Sendable {
    package let settings: VolumeSettings
    package let threads: FileThreads
    private let patience: Duration
    private let calls: any FileCalls

    package init(
        settings: VolumeSettings, threads: FileThreads, patience: Duration, calls: any FileCalls = KernelFiles()
    ) {
        self.calls = calls
        self.settings = settings
        self.threads = threads
        self.patience = patience
    }

    package func look() async -> VolumeSample {
        let path = settings.path
        do {
            let calls = calls
            let proof = try await threads.run(timeout: patience) { _ in try VolumeProbe.prove(path, with: calls) }
            let isReadOnly = proof.facts.isReadOnly
            return VolumeSample(
                settings: settings, proof: proof, condition: isReadOnly ? .readOnly : nil,
                reason: isReadOnly ? "mounted read-only" : nil)
        } catch let unproven as Unproven {
            return VolumeSample(settings: settings, proof: nil, condition: .absent, reason: unproven.reason)
        } catch let error as FileError where error.code == .timeout {
            return VolumeSample(settings: settings, proof: nil, condition: .hung, reason: "does not answer")
        } catch let error as FileError where error.code == .exhausted {
            var sample = VolumeSample(
                settings: settings, proof: nil, condition: .absent, reason: "cannot be looked at from here: \(error)")
            (sample.isLate, sample.exhausted) = (true, error)
            return sample
        } catch let error as FileError where error.code == .notPermitted {
            var sample = VolumeSample(
                settings: settings, proof: nil, condition: .absent, reason: "this user may not read it (\(error))")
            sample.isDenied = true
            return sample
        } catch {
            return VolumeSample(settings: settings, proof: nil, condition: .absent, reason: String(describing: error))
        }
    }

    private struct Unproven: Error {
        let reason: String
    }

    private static func prove(_ path: FilePath, with calls: any FileCalls) throws -> VolumeSample.Proof {
        let root: OpenFile
        do {
            root = try calls.openRoot(path)
        } catch {
            if error.code == .notFound { throw Unproven(reason: "its directory is not there") }
            throw error
        }
        let descriptor = root.descriptor
        switch try VolumeMarker.read(in: descriptor, with: calls) {
        case .volume(let id):
            let observation = try calls.observe(descriptor)
            return VolumeSample.Proof(
                id: id, device: observation.device, facts: try calls.fileSystem(descriptor))
        case .absent:
            throw Unproven(reason: "its marker is not there: not mounted, or never made a volume")
        case .malformed:
            throw Unproven(reason: "its marker cannot be understood")
        }
    }
}
