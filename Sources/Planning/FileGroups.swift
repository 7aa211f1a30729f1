/// Files that become durable together, in their order.
package struct FileGroups: Hashable, Sendable {
    /// What closes a group: so many files, or so many bytes.
    package let mostFiles: Int
    package let mostBytes: Int64

    package init(mostFiles: Int, mostBytes: Int64) {
        self.mostFiles = max(1, mostFiles)
        self.mostBytes = mostBytes
    }

    /// One that is larger than a group may be is a group of its own.
    package func split<File>(_ files: [File], size: (File) -> Int64) -> [[File]] {
        var groups: [[File]] = []
        var group: [File] = []
        var bytes: Int64 = 0
        for file in files {
            if !group.isEmpty, group.count >= mostFiles || bytes + size(file) > mostBytes {
                groups.append(group)
                group = []
                bytes = 0
            }
            group.append(file)
            bytes += size(file)
        }
        return group.isEmpty ? groups : groups + [group]
    }
}
