internal import Vocabulary

/// Turns the text of `muxer.cfg` into values of ``GIRSettings``, and collects what is wrong.
struct MuxerFileReader {
    private struct Given {
        let text: String
        /// Nil where the command line says it.
        let line: Int?
    }

    private(set) var problems: [SettingsProblem]
    private(set) var warnings: [SettingsProblem]
    private var given: [MuxerOption: Given] = [:]
    private let environment: SettingsEnvironment

    init(bytes: [UInt8], arguments: MuxerArguments, environment: SettingsEnvironment) {
        let text = ConfigParserText(bytes: bytes)
        problems = text.problems
        warnings = text.warnings
        self.environment = environment
        for entry in text.entries { take(entry) }
        for (option, value) in [
            (MuxerOption.muxerType, arguments.type), (.muxerID, arguments.id), (.totalMuxers, arguments.total),
        ] {
            if let value { given[option] = Given(text: value, line: nil) }
        }
    }

    private mutating func take(_ entry: ConfigParserText.Entry) {
        guard let option = MuxerOption.named(entry.key, in: entry.section) else {
            warnings.append(
                SettingsProblem(
                    line: entry.line, key: "[\(entry.section)] \(entry.key)",
                    what: "this option is not known, and has no effect", hint: hint(for: entry)))
            return
        }
        if entry.lastLine != entry.line, !entry.value.isEmpty {
            problems.append(
                SettingsProblem(
                    line: entry.line, key: option.place,
                    what: "its value goes on to line \(entry.lastLine), which begins with a blank",
                    hint: "Begin each option at the start of its line"))
            return
        }
        if let earlier = given[option]?.line {
            warnings.append(
                SettingsProblem(
                    line: entry.line, key: option.place, what: "line \(earlier) sets it, too; this one counts",
                    hint: "Remove one of them"))
        }
        given[option] = Given(text: entry.value, line: entry.line)
    }

    private func hint(for entry: ConfigParserText.Entry) -> String {
        if let elsewhere = MuxerOption.allCases.first(where: { $0.key == entry.key }) {
            return "It belongs into [\(elsewhere.section)]"
        }
        let own = MuxerOption.allCases.filter { $0.section == entry.section }
        if let near = NearestWord.to(entry.key, among: own.map(\.key)) { return "Did you mean \(near)?" }
        if let near = NearestWord.to(entry.key, among: MuxerOption.allCases.map(\.key)),
            let home = MuxerOption.allCases.first(where: { $0.key == near })
        {
            return "Did you mean \(near), in [\(home.section)]?"
        }
        let sections = Set(MuxerOption.allCases.map(\.section))
        if own.isEmpty, let near = NearestWord.to(entry.section, among: sections) {
            return "Did you mean the section [\(near)]?"
        }
        return "Remove it, or look for its name in the manual"
    }

    mutating func refuse(_ option: MuxerOption, _ what: String, _ hint: String) {
        problems.append(SettingsProblem(line: given[option]?.line, key: option.place, what: what, hint: hint))
    }

    mutating func warn(_ option: MuxerOption, _ what: String, _ hint: String) {
        warnings.append(SettingsProblem(line: given[option]?.line, key: option.place, what: what, hint: hint))
    }

    /// What stands there; nil where nothing does, or it is empty.
    func text(_ option: MuxerOption) -> String? {
        guard let text = given[option]?.text, !text.isEmpty else { return nil }
        return text
    }

    /// Whether the key stands in the file, with a value or without.
    func names(_ option: MuxerOption) -> Bool { given[option] != nil }

    // MARK: Plain values

    mutating func integer(_ option: MuxerOption, in range: ClosedRange<Int>, standard: Int) -> Int {
        guard let text = text(option) else { return standard }
        guard let number = Int(text) else {
            refuse(option, "\"\(text)\" is no whole number", "Write one, such as \(standard)")
            return standard
        }
        guard range.contains(number) else {
            let bounds =
                range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            refuse(option, "\(number) is out of range", "Write \(bounds)")
            return standard
        }
        return number
    }

    /// Minutes, with a fraction where one is given. Nil where nothing stands there or it is wrong.
    mutating func minutes(_ option: MuxerOption) -> Duration? {
        guard let text = text(option) else { return nil }
        // Ten years are more than any index holds.
        guard let number = Double(text), number.isFinite, (0...5_256_000).contains(number) else {
            refuse(option, "\"\(text)\" is no number of minutes", "Write minutes, such as 720")
            return nil
        }
        return .milliseconds(Int64((number * 60_000).rounded()))
    }

    mutating func path(_ option: MuxerOption) -> FilePath? {
        guard let text = text(option) else { return nil }
        let letters = Array(text.utf8.prefix(3))
        let drive = letters.count == 3 && letters[1] == UInt8(ascii: ":") && letters[2] == UInt8(ascii: "\\")
        guard !drive, !text.hasPrefix("\\\\") else {
            refuse(option, "this is a path of Windows, and Takeup runs on Linux", "Write a path of this machine")
            return nil
        }
        return FilePath(text)
    }

    // MARK: Services

    /// Nil where there is no address, or something is wrong with it.
    mutating func service(
        _ address: MuxerOption, _ user: MuxerOption, _ password: MuxerOption, standard: String?
    ) -> GIRSettings.Service? {
        guard let text = text(address) else {
            if standard != nil {
                refuse(address, "the service's address is missing", "Write https://host:port/")
            }
            return nil
        }
        guard let base = base(of: text, address) else { return nil }
        guard let name = self.text(user) ?? (names(user) ? nil : standard) else {
            refuse(user, "the user's name is missing", "Write it")
            return nil
        }
        guard let secret = secret(password, standard: standard) else { return nil }
        return GIRSettings.Service(address: base, account: GIRSettings.Account(user: name, password: secret))
    }

    private mutating func base(of text: String, _ option: MuxerOption) -> String? {
        var base = text
        while base.hasSuffix("/") { base.removeLast() }
        let parts = base.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        let scheme = parts[0].lowercased()
        guard parts.count >= 3, parts[1].isEmpty, !parts[2].isEmpty, scheme == "https:" || scheme == "http:",
            !base.contains(where: { $0.isWhitespace || $0 == "?" || $0 == "#" || $0 == "@" })
        else {
            refuse(option, "this is no address of a service", "Write https://host:port/, without a name or password")
            return nil
        }
        if scheme == "http:" {
            warn(option, "passwords and recordings go over the network in clear", "Use https://")
        }
        return base
    }

    /// The environment wins over the file; where both are empty, a credential of the unit is taken.
    private mutating func secret(_ option: MuxerOption, standard: String?) -> Secret? {
        let variable = option.section.uppercased() + "_PASSWORD"
        if let value = environment.variables[variable], !value.isEmpty { return Secret(value) }
        if let text = text(option) { return Secret(text) }
        let credential = option.credential ?? option.key
        if environment.variables["CREDENTIALS_DIRECTORY"]?.isEmpty == false,
            let path = try? environment.credential(credential), let secret = try? environment.secret(at: path)
        {
            return secret
        }
        if let standard, !names(option) {
            warn(option, "the password is the one that everybody knows", "Change it at the service, and set it here")
            return Secret(standard)
        }
        refuse(
            option, "there is no password",
            "Write it there, set \(variable), or give the unit LoadCredential=\(credential):…")
        return nil
    }

    mutating func contactCenter() -> String? {
        guard let text = text(.contactCenter) else {
            refuse(
                .contactCenter, "the contact center's id is missing", "RWS lists it: GET /api/v2/ops/contact-centers")
            return nil
        }
        guard text.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }) else {
            refuse(.contactCenter, "this is no id of a contact center", "Write letters, digits and hyphens only")
            return nil
        }
        return text
    }

    mutating func webDAVAccount() -> GIRSettings.Account? {
        guard let name = text(.webDAVUser) else {
            warn(.webDAVUser, "there is no user for the WebDAV stores", "Write the one that may read and write there")
            return nil
        }
        guard let secret = secret(.webDAVPassword, standard: nil) else { return nil }
        return GIRSettings.Account(user: name, password: secret)
    }

    // MARK: Window and shard

    /// Both bounds are minutes: the manual's examples (720 and 1440 beside `max_interval_minutes`) fit nothing else.
    mutating func window() -> GIRSettings.Window {
        let past = minutes(.windowPast) ?? .seconds(1440 * 60)
        let olderThan = minutes(.windowPastOlderThan) ?? .zero
        if past <= olderThan {
            refuse(
                .windowPast, "the window is empty: it begins where it ends, or later",
                "Set it above window_past_older_than")
        }
        return GIRSettings.Window(past: past, olderThan: olderThan, split: split(of: past - olderThan))
    }

    private mutating func split(of window: Duration) -> GIRSettings.Split? {
        let isEnabled = integer(.splitWindow, in: 0...1, standard: 0) == 1
        let longest = Duration.seconds(integer(.maxInterval, in: 1...Int.max / 60, standard: 720) * 60)
        let buffer = Duration.seconds(integer(.intervalBuffer, in: 1...Int.max / 60, standard: 240) * 60)
        guard isEnabled else { return nil }
        guard window >= GIRSettings.Split.shortestWindow else {
            warn(
                .splitWindow, "a window of less than 1440 minutes is not split",
                "Set it to 0, or search further back with window_past")
            return nil
        }
        let bounds = "Write 720 to \(window.components.seconds / 120), which is half of the window"
        guard GIRSettings.Split.shortestInterval <= longest, longest <= window / 2 else {
            refuse(.maxInterval, "\(longest.components.seconds / 60) minutes are out of range", bounds)
            return nil
        }
        guard buffer < longest else {
            refuse(
                .intervalBuffer, "it has to be less than max_interval_minutes", "Write the length of the longest call")
            return nil
        }
        return GIRSettings.Split(longest: longest, buffer: buffer)
    }

    /// Where nothing is said, the manual's rule for a window of N: N/200.
    mutating func pollInterval(of window: GIRSettings.Window) -> Duration {
        guard let given = minutes(.pollInterval) else { return max(.seconds(10), window.past / 200) }
        // Without a pause every call that is waited for would be asked for without one, too.
        guard given < .seconds(1) else { return given }
        warn(.pollInterval, "it is less than a second, and taken as one", "Write minutes, such as 1")
        return .seconds(1)
    }

    /// Without an id, or with -1, there is no sharding, and the other two mean nothing.
    mutating func shard() -> GIRSettings.Shard? {
        let id = integer(.muxerID, in: -1...Int(Int32.max), standard: -1)
        guard id >= 0 else { return nil }
        let total = integer(.totalMuxers, in: 1...Int(Int32.max), standard: 0)
        guard total > id else {
            if total > 0 || text(.totalMuxers) == nil {
                refuse(.totalMuxers, "there is no muxer \(id) of \(total)", "Write the largest muxer_id plus 1")
            }
            return nil
        }
        guard let type = text(.muxerType) else {
            warn(.muxerType, "it is not said, and taken as primary", "Write primary or backup")
            return GIRSettings.Shard(kind: .primary, id: id, total: total)
        }
        guard let kind = GIRSettings.Shard.Kind(rawValue: type.lowercased()) else {
            refuse(.muxerType, "\"\(type)\" is no type of a muxer", "Write primary or backup")
            return nil
        }
        return GIRSettings.Shard(kind: kind, id: id, total: total)
    }

    mutating func pagination() -> Int {
        let number = integer(.pagination, in: 1...Int.max, standard: 100)
        if number > 100 { warn(.pagination, "RWS answers 100 records at most, so 100 are asked for", "Write 100") }
        return min(number, 100)
    }

    // MARK: Queries

    mutating func extraQuery() -> GIRSettings.ExtraQuery {
        guard let text = text(.extraQuery) else { return .byVersion }
        if text.lowercased() == "disable" { return .disabled }
        let parameters = parameters(.extraQuery, text)
        for parameter in parameters where ["startTime", "endTime", "limit"].contains(parameter.name) {
            refuse(.extraQuery, "\(parameter.name) may not stand in it", "window_past and pagination say it")
        }
        return .parameters(parameters)
    }

    mutating func batchQuery() -> [GIRSettings.QueryParameter]? {
        guard let text = text(.batchQuery) else { return nil }
        let parameters = parameters(.batchQuery, text)
        if parameters.contains(where: { $0.name == "limit" }) {
            warn(.batchQuery, "limit has no effect: all pages are read", "Set pagination")
        }
        return parameters.filter { $0.name != "limit" }
    }

    private mutating func parameters(_ option: MuxerOption, _ text: String) -> [GIRSettings.QueryParameter] {
        let known = ["callerPhoneNumber", "dialedPhoneNumber", "userName", "userData", "startTime", "endTime", "limit"]
        var found: [GIRSettings.QueryParameter] = []
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            guard let sign = part.firstIndex(of: "="), sign != part.startIndex else {
                // A value may hold a phone number.
                refuse(option, "a part of it is no parameter", "Write name=value, with & between several")
                continue
            }
            let name = String(part[..<sign].trimmedOfBlanks)
            if !known.contains(name) {
                let hint = NearestWord.to(name, among: known).map { "Did you mean \($0)?" }
                warn(
                    option, "\(name) is no parameter that the manual knows", hint ?? "RWS is asked with it all the same"
                )
            }
            let value = part[part.index(after: sign)...].trimmedOfBlanks
            found.append(GIRSettings.QueryParameter(name: name, value: decoded(value)))
        }
        return found
    }

    /// Percent signs with two digits mean a byte, as in an address; what is no UTF-8 then stays as it was.
    private func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self) ?? String(text)
    }
}

extension GIRSettings.Split {
    /// The manual's least for `max_interval_minutes`.
    static let shortestInterval = Duration.seconds(720 * 60)
    /// Two of them: below that no value of it is valid.
    static let shortestWindow = Duration.seconds(1440 * 60)
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"):
        true
    default: false
    }
}
