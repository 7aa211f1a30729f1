/// What one check found about one thing.
package struct CheckFinding: Hashable, Sendable {
    package enum Grade: String, CaseIterable, Sendable {
        case ok
        /// It works, and should be looked at.
        case warn
        /// It does not work until a person does something.
        case fail
    }

    package let grade: Grade
    /// What was looked at: `replay database`, `volume a`.
    package let subject: String
    /// What was found, in one line. Holds no secret.
    package let what: String
    /// What to do about it, a sentence.
    package let hint: String?

    package init(_ grade: Grade, _ subject: String, _ what: String, hint: String? = nil) {
        self.grade = grade
        self.subject = subject
        self.what = what
        self.hint = hint
    }
}
