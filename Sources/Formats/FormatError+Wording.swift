import Foundation

extension FormatError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .io(let path, let operation, let code):
            "cannot \(operation) file: \(path): \(String(cString: strerror(code)))"
        case .notAFile(let path): "cannot read: \(path): expected a regular file, got a folder or device"
        case .notAFolder(let path):
            "cannot create folder: \(path): expected a folder or nothing, got a file; name another place"
        case .inUse(let path, let owner):
            "in use: \(path): expected no other writer, got \(owner); wait until it has ended, or name another place"
        case .folder(let path, let kind): "cannot read: \(path): \(kind.wording)"
        case .foreign(let path, let format): "cannot read: \(path): \(format.wording)"
        case .unwritable(let path, let what):
            "cannot write torch file: \(path): the source holds \(what), which cannot be written again; convert to .pth or "
                + ".safetensors for the weights"
        case .notIntegers(let type): "cannot read integers: expected an integer tensor, got \(type)"
        case .safeTensors(let path, let fault): "cannot read safetensors: \(path): \(fault.wording)"
        case .zip(let path, let fault): "cannot read zip archive: \(path): \(fault.wording)"
        case .pickle(let path, let offset, let fault):
            "cannot read torch file: \(path): byte \(offset) of the saved object: \(fault.wording)"
        case .torch(let path, let fault): "cannot read torch file: \(path): \(fault.wording)"
        case .weights(let path, let fault): "cannot use weights: \(path): \(fault.wording)"
        case .image(let fault): "image: \(fault.wording)"
        }
    }
}

extension SafeTensorsFault {
    var wording: String {
        switch self {
        case .headerTooSmall(let bytes): "expected at least 8 bytes, got \(bytes)"
        case .headerTooLarge(let bytes):
            "header length: expected at most \(SafeTensors.maximumHeaderBytes), got \(bytes)"
        case .headerBeyondFile(let header, let file): "header of \(header) bytes does not fit in a file of \(file)"
        case .headerNotUTF8: "header is not UTF-8"
        case .headerStart(let byte): "header: expected '{', got byte \(byte)"
        case .headerSyntax(let offset, let expected): "header byte \(offset): expected \(expected)"
        case .duplicateKey(let key): "header: key '\(key)' occurs twice"
        case .missingField(let tensor, let field): "tensor '\(tensor)': '\(field)' is missing"
        case .unknownDtype(let tensor, let dtype):
            "tensor '\(tensor)': \(dtype) is not read; \(UnreadType.remedy(dtype))"
        case .sizeOverflow(let tensor, let shape): "tensor '\(tensor)': shape \(shape) is too large"
        case .offsets(let tensor, let begin, let end, let expected):
            "tensor '\(tensor)': data_offsets: expected to start at \(expected), without hole or overlap, "
                + "got [\(begin), \(end)]"
        case .size(let tensor, let shape, let expected, let bytes):
            "tensor '\(tensor)': shape \(shape): expected \(expected) bytes, got \(bytes)"
        case .dataBytes(let expected, let got):
            "tensor data: expected \(expected) bytes, got \(got); the file is cut or padded"
        case .missingTensor(let name): "no tensor '\(name)'"
        case .reservedName(let name): "'\(name)' is no tensor name"
        }
    }
}

extension ZipFault {
    var wording: String {
        switch self {
        case .noEndRecord: "no end-of-directory record; the file is cut or not a zip archive"
        case .zip64Record: "zip64 end-of-directory record is missing or damaged"
        case .multipleDisks: "archives of several parts are not supported"
        case .directoryBounds(let offset, let bytes, let file):
            "directory of \(bytes) bytes at \(offset) does not fit in a file of \(file) bytes"
        case .entryCount(let expected, let bytes):
            "directory of \(bytes) bytes does not hold exactly \(expected) entries"
        case .directoryEntry(let index): "directory entry \(index) is damaged"
        case .duplicateEntry(let name): "entry '\(name)' occurs twice"
        case .encrypted(let name): "entry '\(name)' is encrypted"
        case .method(let entry, let method): "entry '\(entry)': expected stored or deflated, got method \(method)"
        case .localHeader(let entry): "entry '\(entry)': local header does not match the directory"
        case .entryBounds(let entry, let offset, let bytes, let file):
            "entry '\(entry)': \(bytes) bytes at \(offset) do not fit in a file of \(file) bytes"
        case .entrySize(let entry, let expected, let got): "entry '\(entry)': expected \(expected) bytes, got \(got)"
        case .entryTooLarge(let entry, let bytes, let limit):
            "entry '\(entry)': expected at most \(limit) bytes, got \(bytes)"
        case .deflate(let entry): "entry '\(entry)': compressed data is damaged or longer than declared"
        case .checksum(let entry, let expected, let got):
            "entry '\(entry)': CRC-32: expected \(String(expected, radix: 16)), got \(String(got, radix: 16))"
        }
    }
}

extension PickleFault {
    /// For people who know PyTorch, not how it saves.
    var wording: String {
        switch self {
        case .truncated(let needed, let remaining):
            "expected \(needed) more bytes, got \(remaining); the file is cut or damaged"
        case .protocolVersion(let version):
            "expected version 2 to 5 of Python's serialisation, got \(version); save it again with torch.save"
        case .unknownOpcode(let opcode): Self.damage("unknown instruction 0x\(String(opcode, radix: 16))")
        case .stackUnderflow, .noMark: Self.damage("an instruction lacks its values")
        case .undefinedMemo(let index): Self.damage("value \(index) is used before it is there")
        case .notUTF8: Self.damage("text that is not UTF-8")
        case .malformedGlobal: Self.damage("a name that is not two lines of text")
        case .forbiddenGlobal(let module, let name):
            "it names \(module).\(name), which is no data and could run when PyTorch opens the file; nothing was executed. "
                + "If you trust its origin, save the weights alone with PyTorch: "
                + "torch.save(torch.load(IN, weights_only=False)[\"state_dict\"], OUT)"
        case .forbiddenCall(let module, let name): Self.damage("\(module).\(name) is a name, not a function")
        case .notCallable: Self.damage("a call of something that is not a class or function")
        case .arguments(let function, let expected): Self.damage("arguments of \(function): expected \(expected)")
        case .persistentIdentifier: Self.damage("a reference that is not to a tensor's storage")
        case .target: Self.damage("an item is added to what is no list or dictionary")
        case .unhashableKey: "a dictionary key or set element is not a plain value; save the weights alone"
        case .tooManyValues(let limit): "holds more than \(limit) values, counting shared ones each time"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .cycle: "a container contains itself"
        }
    }

    private static func damage(_ what: String) -> String { "\(what); the file is damaged, or not torch.save's" }
}

extension TorchFault {
    var wording: String {
        switch self {
        case .noStateDict(let keys):
            "no state dict: neither the saved object nor its 'state_dict', 'model', 'module' or 'model_state_dict' maps "
                + "names to tensors" + (keys.isEmpty ? "" : "; its keys are \(keys.joined(separator: ", "))")
        case .savedObject(let name):
            (name.hasPrefix("__torch__") ? "a TorchScript program" : "a whole object of class \(name)")
                + ", which only its own program can open; save its weights there: torch.save(model.state_dict(), OUT)"
        case .notATensor(let name, let place, let kind):
            "expected tensors in \(place), got \(kind) under '\(name)'; \(UnreadType.remedy(kind))"
        case .notATorchFile: "expected a file of torch.save, got something else"
        case .noPickle: "a zip archive that torch.save did not write: no data.pkl under a single root folder"
        case .byteOrder(let order): "byteorder: expected little or big, got '\(order)'"
        case .legacyHeader(let expected):
            "Python's serialisation, but not torch.save's: expected \(expected) first; save it with torch.save"
        case .missingStorage(let key): "storage '\(key)' is missing"
        case .storageConflict(let key): "storage '\(key)' is declared twice with different types or sizes"
        case .storageSize(let key, let expected, let got): "storage '\(key)': expected \(expected) bytes, got \(got)"
        case .storageCount(let key, let expected, let got):
            "storage '\(key)': expected \(expected) elements, got \(got)"
        case .tensorBounds(let key, let shape, let strides, let offset, let bytes):
            "tensor of shape \(shape), strides \(strides), offset \(offset) does not fit in "
                + "storage '\(key)' of \(bytes) bytes"
        case .tensorTooLarge(let key, let shape, let limit):
            "tensor of shape \(shape) repeats storage '\(key)' to more than \(limit) bytes"
        }
    }
}

extension WeightFault {
    var wording: String {
        switch self {
        case .missing(let name, let shape):
            "tensor '\(name)': expected \(shape.map { "shape \($0)" } ?? "one"), got none; another architecture?"
        case .shape(let name, let expected, let got):
            "tensor '\(name)': expected shape \(expected), got \(got); another architecture?"
        case .elementType(let name, let type): "tensor '\(name)': expected a floating-point type, got \(type)"
        case .sizes(let name, let shape, let expected): "tensor '\(name)': expected \(expected), got shape \(shape)"
        case .unexpected(let name): "tensor '\(name)' is not part of this architecture; another one?"
        }
    }
}

extension ImageFault {
    var wording: String {
        switch self {
        case .size(let width, let height): "\(width) x \(height) is not a size that PNG can hold"
        case .encode(let message): "cannot encode PNG: \(message)"
        case .decode(let message): "cannot decode PNG: \(message)"
        }
    }
}
