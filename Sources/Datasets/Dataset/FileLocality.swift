/// What an order of samples has to know of the files of one dataset, and to tell them.
package struct FileLocality: Sendable {
    /// Says which files will be read next, the most urgent first.
    package var expect: @Sendable ([Int]) throws -> Void
    /// Frames from one keyframe of a file to the next, on average; brings the file to this disk if it is elsewhere.
    package var framesPerKeyframe: @Sendable (Int) throws -> Int
    /// Files that are mixed with each other at a time.
    package var filesAtOnce = 4

    package init(
        expect: @escaping @Sendable ([Int]) throws -> Void = { _ in },
        framesPerKeyframe: @escaping @Sendable (Int) throws -> Int = { _ in 1 }
    ) {
        (self.expect, self.framesPerKeyframe) = (expect, framesPerKeyframe)
    }

    /// Neighbouring pairs that stay together in the order.
    ///
    /// A frame far from its keyframe costs the decoding of all frames between, so in files of long groups of pictures
    /// neighbours follow each other and share that work; where groups are short, every pair goes its own way.
    package static func unit(framesPerKeyframe: Int) -> Int { min(max(framesPerKeyframe / 8, 1), 8) }
}
