package import Glibc

/// A program that a test starts: nothing of the test's own input and output is handed down.
package struct ChildProcess: Sendable {
    package let id: pid_t

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Starts a program.
    /// - Parameters:
    ///   - command: the program's absolute path and its arguments.
    ///   - input: a descriptor that becomes its standard input; nothing to read where there is none.
    ///   - outputPath: the file that takes what it writes to both outputs, at the end of what is there.
    package init(_ command: [String], input: CInt? = nil, outputPath: String = "/dev/null") throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Threads of the cooperative pool block signals, and a shell's background jobs ignore some: no child shall.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var usual = sigset_t()
        sigemptyset(&none)
        sigemptyset(&usual)
        for signal in [SIGINT, SIGQUIT, SIGTERM] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var id = pid_t()
        let failed = posix_spawn(&id, command[0], &actions, &attributes, &arguments, environ)
        guard failed == 0 else {
            throw Failure(description: "\(command[0]) could not be started: \(String(cString: strerror(failed)))")
        }
        self.id = id
    }

    /// Waits for the end. Exit code, or 128 and the signal's number as shells count it.
    @discardableResult
    package func wait() -> Int {
        var status: CInt = 0
        while waitpid(id, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? Int(status >> 8) & 0xff : 128 + Int(signal)
    }

    package func send(_ signal: CInt) { kill(id, signal) }

    /// Runs a program to its end; one that fails is an error with what it wrote.
    @discardableResult
    package static func run(_ command: [String]) throws -> String {
        let path = "/tmp/takeup-output-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        let code = try ChildProcess(command, outputPath: path).wait()
        let output = try text(ofFile: path)
        guard code == 0 else {
            throw Failure(description: "\(command.joined(separator: " ")) ended with \(code): \(output)")
        }
        return output
    }

    private static func text(ofFile path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(description: "\(path) cannot be read") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
