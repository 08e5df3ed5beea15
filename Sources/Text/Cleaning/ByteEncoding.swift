/// Encodings of one byte a character in which UTF-8 is read by mistake, as data: what the bytes from 0x80 on stand for.
///
/// A byte that an encoding has no character for stands for the control character of its number, as programs that read text
/// carelessly have it.
enum ByteEncoding: String, CaseIterable {
    case latin1, windows1252, windows1251, windows1250, windows1253, windows1254, windows1257, latin2, macRoman, cp437

    /// The upper 128 characters.
    private var table: String {
        switch self {
        case .latin1: ""
        case .windows1252:
            """
            20ac0081201a0192201e20262020202102c62030016020390152008d017d008f009020182019201c201d202220132014 \
            02dc21220161203a0153009d017e017800a000a100a200a300a400a500a600a700a800a900aa00ab00ac00ad00ae00af \
            00b000b100b200b300b400b500b600b700b800b900ba00bb00bc00bd00be00bf00c000c100c200c300c400c500c600c7 \
            00c800c900ca00cb00cc00cd00ce00cf00d000d100d200d300d400d500d600d700d800d900da00db00dc00dd00de00df \
            00e000e100e200e300e400e500e600e700e800e900ea00eb00ec00ed00ee00ef00f000f100f200f300f400f500f600f7 \
            00f800f900fa00fb00fc00fd00fe00ff
            """
        case .windows1251:
            """
            04020403201a0453201e20262020202120ac203004092039040a040c040b040f045220182019201c201d202220132014 \
            009821220459203a045a045c045b045f00a0040e045e040800a4049000a600a7040100a9040400ab00ac00ad00ae0407 \
            00b000b104060456049100b500b600b704512116045400bb045804050455045704100411041204130414041504160417 \
            04180419041a041b041c041d041e041f0420042104220423042404250426042704280429042a042b042c042d042e042f \
            0430043104320433043404350436043704380439043a043b043c043d043e043f04400441044204430444044504460447 \
            04480449044a044b044c044d044e044f
            """
        case .windows1250:
            """
            20ac0081201a0083201e2026202020210088203001602039015a0164017d0179009020182019201c201d202220132014 \
            009821220161203a015b0165017e017a00a002c702d8014100a4010400a600a700a800a9015e00ab00ac00ad00ae017b \
            00b000b102db014200b400b500b600b700b80105015f00bb013d02dd013e017c015400c100c2010200c40139010600c7 \
            010c00c9011800cb011a00cd00ce010e01100143014700d300d4015000d600d70158016e00da017000dc00dd016200df \
            015500e100e2010300e4013a010700e7010d00e9011900eb011b00ed00ee010f01110144014800f300f4015100f600f7 \
            0159016f00fa017100fc00fd016302d9
            """
        case .windows1253:
            """
            20ac0081201a0192201e20262020202100882030008a2039008c008d008e008f009020182019201c201d202220132014 \
            00982122009a203a009c009d009e009f00a00385038600a300a400a500a600a700a800a900aa00ab00ac00ad00ae2015 \
            00b000b100b200b3038400b500b600b703880389038a00bb038c00bd038e038f03900391039203930394039503960397 \
            03980399039a039b039c039d039e039f03a003a100d203a303a403a503a603a703a803a903aa03ab03ac03ad03ae03af \
            03b003b103b203b303b403b503b603b703b803b903ba03bb03bc03bd03be03bf03c003c103c203c303c403c503c603c7 \
            03c803c903ca03cb03cc03cd03ce00ff
            """
        case .windows1254:
            """
            20ac0081201a0192201e20262020202102c62030016020390152008d008e008f009020182019201c201d202220132014 \
            02dc21220161203a0153009d009e017800a000a100a200a300a400a500a600a700a800a900aa00ab00ac00ad00ae00af \
            00b000b100b200b300b400b500b600b700b800b900ba00bb00bc00bd00be00bf00c000c100c200c300c400c500c600c7 \
            00c800c900ca00cb00cc00cd00ce00cf011e00d100d200d300d400d500d600d700d800d900da00db00dc0130015e00df \
            00e000e100e200e300e400e500e600e700e800e900ea00eb00ec00ed00ee00ef011f00f100f200f300f400f500f600f7 \
            00f800f900fa00fb00fc0131015f00ff
            """
        case .windows1257:
            """
            20ac0081201a0083201e20262020202100882030008a2039008c00a802c700b8009020182019201c201d202220132014 \
            00982122009a203a009c00af02db009f00a000a100a200a300a400a500a600a700d800a9015600ab00ac00ad00ae00c6 \
            00b000b100b200b300b400b500b600b700f800b9015700bb00bc00bd00be00e60104012e0100010600c400c501180112 \
            010c00c90179011601220136012a013b01600143014500d3014c00d500d600d701720141015a016a00dc017b017d00df \
            0105012f0101010700e400e501190113010d00e9017a011701230137012b013c01610144014600f3014d00f500f600f7 \
            01730142015b016b00fc017c017e02d9
            """
        case .latin2:
            """
            0080008100820083008400850086008700880089008a008b008c008d008e008f00900091009200930094009500960097 \
            00980099009a009b009c009d009e009f00a0010402d8014100a4013d015a00a700a80160015e0164017900ad017d017b \
            00b0010502db014200b4013e015b02c700b80161015f0165017a02dd017e017c015400c100c2010200c40139010600c7 \
            010c00c9011800cb011a00cd00ce010e01100143014700d300d4015000d600d70158016e00da017000dc00dd016200df \
            015500e100e2010300e4013a010700e7010d00e9011900eb011b00ed00ee010f01110144014800f300f4015100f600f7 \
            0159016f00fa017100fc00fd016302d9
            """
        case .macRoman:
            """
            00c400c500c700c900d100d600dc00e100e000e200e400e300e500e700e900e800ea00eb00ed00ec00ee00ef00f100f3 \
            00f200f400f600f500fa00f900fb00fc202000b000a200a300a7202200b600df00ae00a9212200b400a8226000c600d8 \
            221e00b12264226500a500b522022211220f03c0222b00aa00ba03a900e600f800bf00a100ac221a01922248220600ab \
            00bb202600a000c000c300d50152015320132014201c201d2018201900f725ca00ff0178204420ac2039203afb01fb02 \
            202100b7201a201e203000c200ca00c100cb00c800cd00ce00cf00cc00d300d4f8ff00d200da00db00d9013102c602dc \
            00af02d802d902da00b802dd02db02c7
            """
        case .cp437:
            """
            00c700fc00e900e200e400e000e500e700ea00eb00e800ef00ee00ec00c400c500c900e600c600f400f600f200fb00f9 \
            00ff00d600dc00a200a300a520a7019200e100ed00f300fa00f100d100aa00ba00bf231000ac00bd00bc00a100ab00bb \
            259125922593250225242561256225562555256325512557255d255c255b251025142534252c251c2500253c255e255f \
            255a25542569256625602550256c25672568256425652559255825522553256b256a2518250c25882584258c25902580 \
            03b100df039303c003a303c300b503c403a6039803a903b4221e03c603b52229226100b1226522642320232100f72248 \
            00b0221900b7221a207f00b225a000a0
            """
        }
    }

    /// Code points of the bytes from 0x80 on.
    private func characters() -> [UInt32] {
        if self == .latin1 { return Array(0x80...0xFF) }
        let digits = Array(table.filter { $0 != " " })
        return stride(from: 0, to: digits.count, by: 4).map { UInt32(String(digits[$0..<$0 + 4]), radix: 16) ?? 0 }
    }

    /// Bytes by code point, for each encoding.
    private static let bytes: [ByteEncoding: [UInt32: UInt8]] = Dictionary(
        uniqueKeysWithValues: allCases.map { encoding in
            let pairs = encoding.characters().enumerated().map { ($1, UInt8(0x80 + $0)) }
            return (encoding, Dictionary(pairs) { first, _ in first })
        })

    /// Whether programs that read text in it carelessly put U+FFFD where it has no character; byte 1A is what they lost.
    var isSloppy: Bool {
        switch self {
        case .latin1, .latin2, .macRoman, .cp437: false
        default: true
        }
    }

    /// The bytes of a text; nil where it has a character that the encoding lacks.
    func bytes(of text: String) -> [UInt8]? {
        guard let table = Self.bytes[self] else { return nil }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if isSloppy, scalar.value == 0xFFFD || scalar.value == 0x1A {
                guard scalar.value == 0xFFFD else { return nil }
                bytes.append(0x1A)
            } else if scalar.value < 0x80 {
                bytes.append(UInt8(scalar.value))
            } else if let byte = table[scalar.value] {
                bytes.append(byte)
            } else {
                return nil
            }
        }
        return bytes
    }

    /// What a byte from 0x80 on stands for.
    func scalar(of byte: UInt8) -> Unicode.Scalar {
        Unicode.Scalar(characters()[Int(byte) - 0x80]) ?? "\u{FFFD}"
    }
}
