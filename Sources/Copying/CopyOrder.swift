package import Files
package import Vocabulary

/// One file to be copied to a volume.
package struct CopyOrder: Hashable, Sendable {
    /// Names the order, and the staged file where the volume needs a named one.
    package var token: FencingToken
    package var source: CopySource
    /// Below the volume's root. Its directories are made as needed.
    package var path: FilePath
    /// Bytes, where the row has them: another size means that the source is not what the row describes.
    package var expectedSize: Int64?
    /// What an earlier look at the source showed, where the copy has to be of exactly that.
    package var expectedObservation: FileObservation?
    package var crc32: CRCExpectation

    package init(
        token: FencingToken, source: CopySource, path: FilePath, expectedSize: Int64? = nil,
        expectedObservation: FileObservation? = nil, crc32: CRCExpectation = .none
    ) {
        self.token = token
        self.source = source
        self.path = path
        self.expectedSize = expectedSize
        self.expectedObservation = expectedObservation
        self.crc32 = crc32
    }
}

package enum CopySource: Hashable, Sendable {
    /// A recorder's file: opened beneath its mount, never leaving it.
    case beneath(root: FilePath, path: FilePath)
    /// A file of our own, such as the result of a mux.
    case own(FilePath)
}

/// What to do about CRC-32, which costs about as much as SHA-256 and so is taken only where a row has one.
package enum CRCExpectation: Hashable, Sendable {
    case none
    /// Take it and report it. For encrypted media, whose CRC may mean clear or cipher bytes.
    case observe
    /// Take it; anything else is ``CopyError/Code/crcMismatch``.
    case require(UInt32)
}

/// Where copies go, and how they are to look there.
package struct CopyVolume: Hashable, Sendable {
    package var root: FilePath
    package var id: VolumeID
    /// Permission bits, so that the replay's own tools can read and retire.
    package var fileMode: UInt32
    package var directoryMode: UInt32
    /// nil: whoever we run as.
    package var user: UInt32?
    package var group: UInt32?

    package init(
        root: FilePath, id: VolumeID, fileMode: UInt32 = 0o640, directoryMode: UInt32 = 0o750, user: UInt32? = nil,
        group: UInt32? = nil
    ) {
        self.root = root
        self.id = id
        self.fileMode = fileMode
        self.directoryMode = directoryMode
        self.user = user
        self.group = group
    }
}

package struct CopySettings: Hashable, Sendable {
    /// How long a call may show no life before its thread is given up.
    package var patience: Duration
    /// From how many files on one `syncfs` replaces an `fsync` each.
    package var groupDurabilityFrom: Int
    /// Read the source a second time and compare (level L3).
    package var rereadsSource: Bool
    /// Orders that are open at a time; each holds two descriptors.
    package var openAtMost: Int
    /// Bytes. Files from this size on go past the page cache where the volume's file system can: no page is filled to be
    /// written, dropped, and filled again.
    package var directFrom: Int64
    /// Bytes. Files from this size on are made durable and read back by themselves while others are still written, and go
    /// past the cache, too.
    package var largeFrom: Int64
    /// Bytes. What is written of a file of several of these is made durable and read back while the rest is written.
    package var readBackStep: Int64
    /// Whether copies get the extended attributes that people gave the originals (`user.*`).
    package var keepsAttributes: Bool

    package init(
        patience: Duration = .seconds(120), groupDurabilityFrom: Int = 8, rereadsSource: Bool = false,
        openAtMost: Int = 1000, directFrom: Int64 = 64 << 10, largeFrom: Int64 = 1 << 20,
        readBackStep: Int64 = 32 << 20, keepsAttributes: Bool = false
    ) {
        self.patience = patience
        self.groupDurabilityFrom = groupDurabilityFrom
        self.rereadsSource = rereadsSource
        self.openAtMost = openAtMost
        self.directFrom = min(directFrom, largeFrom)
        self.largeFrom = largeFrom
        self.readBackStep = readBackStep
        self.keepsAttributes = keepsAttributes
    }
}
