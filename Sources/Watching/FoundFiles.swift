package import Vocabulary

/// Files of one directory that a look found, packed until somebody asks for their names.
package struct FoundFiles: Hashable, Sendable {
    package let directory: FilePath
    private let names: PackedNames

    init(_ names: PackedNames = PackedNames(), in directory: FilePath) {
        self.names = names
        self.directory = directory
    }

    package var count: Int { names.count }

    /// Relative to the mount.
    package subscript(index: Int) -> FilePath { directory.appending(names[index]) }
}
