package import Vocabulary

extension FileCalls {
    /// Asks the server for the directories of a path anew, from the top, as far as they are there.
    ///
    /// A client of NFS remembers names that were *not* there, and believes itself for as long as its cached attributes
    /// of their directory stand (`acdirmax`, 60 s; nfs(5), `lookupcache`). Attributes that come past the cache end that
    /// belief where the directory has changed since.
    package func refreshDirectories(of path: FilePath, beneath root: CInt) {
        var directory = FilePath(bytes: [])
        for name in path.components {
            guard let opened = try? openDirectory(directory, beneath: root), (try? observe(opened.descriptor)) != nil
            else { return }
            directory = directory.appending(name)
        }
    }
}
