/// What a serialized SentencePiece model says: its pieces and its table of characters.
struct SentencePieceContent {
    /// By id.
    private(set) var pieces: [(text: String, score: Double)] = []
    private(set) var unknownID: Int?
    /// Ids of pieces that are no text, such as `</s>`, and of the unknown piece.
    private(set) var controls: [Int] = []
    private(set) var characterMap: [UInt8] = []

    // Values of `SentencePiece.type`.
    private static let unknown: UInt64 = 2
    private static let control: UInt64 = 3

    /// - Parameter model: a serialized `ModelProto`.
    init(_ model: UnsafeRawBufferPointer) throws(TokenizerFault) {
        if model.starts(with: Array("version https://git-lfs".utf8)) { throw .largeFilePointer }
        var fields = ProtobufFields(model)
        while let field = try fields.next() {
            guard let message = field.bytes else { continue }
            // pieces, normalizer_spec
            if field.number == 1 { try add(piece: message) }
            if field.number == 3 {
                var inner = ProtobufFields(message)
                while let field = try inner.next() {
                    if field.number == 2, let bytes = field.bytes { characterMap = Array(bytes) }
                }
            }
        }
    }

    private mutating func add(piece message: UnsafeRawBufferPointer) throws(TokenizerFault) {
        var fields = ProtobufFields(message)
        var (text, score, type) = ("", Float(0), UInt64(1))
        while let field = try fields.next() {
            switch field.number {
            case 1: text = field.bytes.map { String(decoding: $0, as: UTF8.self) } ?? text
            case 2: score = field.bits.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) } ?? score
            case 3: type = field.bits ?? type
            default: break
            }
        }
        guard score.isFinite else { throw .description("scores that are not finite") }
        if type == Self.unknown { unknownID = pieces.count }
        if type == Self.unknown || type == Self.control { controls.append(pieces.count) }
        pieces.append((text, Double(score)))
    }
}
