internal import Glibc

/// What a process and all its children, also those that have ended, took of the machine.
struct ProcessCost: Sendable {
    /// Seconds of CPU, user and system.
    var cpu: Double
    /// Most of memory that the process itself ever held, in MiB (VmHWM, proc(5)).
    var peakMemory: Double
    /// Voluntary context switches of the threads that live: how often it went to sleep.
    var sleeps: Double

    /// Throws nothing: a process that is gone took nothing that could still be read.
    static func of(_ id: pid_t) -> ProcessCost {
        var own = ticks(id)
        for child in children(id) { own += of(child).cpu * Double(sysconf(CInt(_SC_CLK_TCK))) }
        return ProcessCost(
            cpu: own / Double(sysconf(CInt(_SC_CLK_TCK))), peakMemory: field("VmHWM:", of: id) / 1024,
            sleeps: threads(id).reduce(0) { $0 + field("voluntary_ctxt_switches:", of: id, thread: $1) })
    }

    /// Seconds of CPU of the process itself, and of all its children, also those that were waited for. Also of one that has
    /// ended and was not.
    static func parts(of id: pid_t) -> (own: Double, children: Double) {
        let second = Double(sysconf(CInt(_SC_CLK_TCK)))
        let times = times(id)
        let living = children(id).reduce(0) { $0 + of($1).cpu }
        return (times.prefix(2).reduce(0, +) / second, times.dropFirst(2).reduce(0, +) / second + living)
    }

    /// Seconds that the machine's processors worked since it began (proc(5), the first line of `stat`): not those that they
    /// waited or another machine had.
    static func machine() -> Double {
        let line = (read("/proc/stat") ?? "").split(separator: "\n").first ?? ""
        let fields = line.split(separator: " ").dropFirst().map { Double($0) ?? 0 }
        guard fields.count >= 7 else { return 0 }
        return (fields[0...2].reduce(0, +) + fields[5] + fields[6]) / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    /// Seconds of CPU of the process itself, to the microsecond: for spans in which it takes less than a tick.
    static func exactCPU(of id: pid_t) -> Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(id, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }

    /// What it holds of memory now, in MiB (VmRSS, proc(5)).
    static func memory(of id: pid_t) -> Double { field("VmRSS:", of: id) / 1024 }

    func since(_ earlier: ProcessCost) -> ProcessCost {
        ProcessCost(cpu: cpu - earlier.cpu, peakMemory: peakMemory, sleeps: sleeps - earlier.sleeps)
    }

    /// Clock ticks of the process and of its children that have ended and were waited for: fields 14 to 17.
    private static func ticks(_ id: pid_t) -> Double { times(id).reduce(0, +) }

    private static func times(_ id: pid_t) -> [Double] {
        // The name, field 2, can hold blanks; it ends with the last bracket.
        guard let text = read("/proc/\(id)/stat"), let end = text.lastIndex(of: ")") else { return [] }
        let fields = text[end...].split(separator: " ")
        return fields.count > 15 ? fields[12...15].compactMap { Double($0) } : []
    }

    private static func children(_ id: pid_t) -> [pid_t] {
        threads(id).flatMap { thread in
            (read("/proc/\(id)/task/\(thread)/children") ?? "").split(separator: " ").compactMap { pid_t($0) }
        }
    }

    static func threads(_ id: pid_t) -> [pid_t] {
        guard let stream = opendir("/proc/\(id)/task") else { return [] }
        defer { closedir(stream) }
        var threads: [pid_t] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let thread = pid_t(name) { threads.append(thread) }
        }
        return threads
    }

    private static func field(_ name: String, of id: pid_t, thread: pid_t? = nil) -> Double {
        let path = thread.map { "/proc/\(id)/task/\($0)/status" } ?? "/proc/\(id)/status"
        for line in (read(path) ?? "").split(separator: "\n") where line.hasPrefix(name) {
            return line.dropFirst(name.count).split { $0 == " " || $0 == "\t" }.first.flatMap { Double($0) } ?? 0
        }
        return 0
    }

    /// Files of proc(5) have no size: read to the end.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}
