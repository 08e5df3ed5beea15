import Formats

/// A record of a run's values over its steps.
public protocol MetricsLogger: AnyObject {
    /// The folder that this run writes to.
    var directory: String { get }

    /// How the record is looked at; nil for a part of another one.
    var reading: LogReading? { get }

    /// Records values under their tags.
    /// - Parameter step: Lightning's step of a logged batch, which counts from 0.
    /// - Throws: when the disk does not take them.
    func log(step: Int, values: [(tag: String, value: Double)]) throws

    /// Records an image, where the record has a place for it.
    func image(step: Int, tag: String, _ image: PNGImage) throws

    /// Records how often each number from 0 on occurs.
    func histogram(step: Int, tag: String, counts: [Double]) throws

    /// Makes everything recorded durable and ends the record.
    func close() throws
}
