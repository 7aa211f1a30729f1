internal import FoundationEssentials
internal import Glibc
package import Vocabulary

/// What settings need of the world outside their file.
package struct SettingsEnvironment: Sendable {
    package let variables: [String: String]
    /// The bytes of a regular file, at most 1 MiB.
    package let readFile: @Sendable (FilePath) throws(UnreadableFile) -> [UInt8]

    package init(
        variables: [String: String], readFile: @escaping @Sendable (FilePath) throws(UnreadableFile) -> [UInt8]
    ) {
        self.variables = variables
        self.readFile = readFile
    }

    /// The environment of this process, and the machine's files.
    package static func ofProcess() -> SettingsEnvironment {
        SettingsEnvironment(variables: ProcessInfo.processInfo.environment, readFile: readRegularFile)
    }

    /// Where systemd has put a credential of this unit.
    package func credential(_ name: String) throws(SecretError) -> FilePath {
        guard let directory = variables["CREDENTIALS_DIRECTORY"], !directory.isEmpty else {
            throw SecretError(
                doing: "read the credential \(name)",
                cause: "$CREDENTIALS_DIRECTORY is not set; the unit needs LoadCredential=\(name):… or"
                    + " LoadCredentialEncrypted=\(name):…")
        }
        return FilePath(directory).appending(name)
    }

    func secret(at path: FilePath) throws(SecretError) -> Secret {
        let bytes: [UInt8]
        do {
            bytes = try readFile(path)
        } catch {
            throw SecretError(doing: "read a secret from \(path.displayText)", cause: error.reason)
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw SecretError(doing: "read a secret from \(path.displayText)", cause: "it is not UTF-8 text")
        }
        return Secret(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}

/// A file that could not be read, and why.
package struct UnreadableFile: Error {
    package let reason: String
    package init(reason: String) { self.reason = reason }
}

private let largestFile = 1 << 20

@Sendable private func readRegularFile(_ path: FilePath) throws(UnreadableFile) -> [UInt8] {
    // Non-blocking: a path that is a pipe must be refused, not waited for.
    let descriptor = open(path.bytes.map { CChar(bitPattern: $0) } + [0], O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw UnreadableFile(reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw UnreadableFile(reason: "it is not a regular file")
    }
    guard status.st_size <= largestFile else { throw UnreadableFile(reason: "it is larger than 1 MiB") }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= largestFile {
        let count = read(descriptor, &block, block.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw UnreadableFile(reason: String(cString: strerror(errno))) }
        if count == 0 { break }
        bytes += block[..<count]
    }
    return bytes
}
