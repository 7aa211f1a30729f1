/// A page that is drawn again and again at the same place of a terminal (ECMA-48): what is above it stays.
package struct LiveScreen: Sendable {
    private var drawn = 0

    package init() {}

    /// Hides the cursor, and lets no line run over into the next.
    package static let begin = "\u{1B}[?25l\u{1B}[?7l"
    /// Undoes ``begin``, and wipes the `^C` that the terminal echoes; for every way out.
    package static let end = "\r\u{1B}[K\u{1B}[?25h\u{1B}[?7h"

    /// Draws over what was drawn before. A line is cleared before it is written: at a full line's end the cursor stands on
    /// its last character.
    /// - Parameter lines: fewer than the screen has, or what scrolled away can't be drawn over.
    package mutating func frame(_ lines: [String]) -> String {
        let back = drawn > 0 ? "\u{1B}[\(drawn)A" : ""
        drawn = lines.count
        return back + "\r" + lines.map { "\u{1B}[K\($0)\n" }.joined() + "\u{1B}[J"
    }
}
