/// Operations whose text has a region or many attributes.
extension Function {
    static func dot(_ axes: DotAxes, _ precision: Precision, _ list: String) -> String {
        var text = "stablehlo.dot_general \(list), "
        if !axes.batch.left.isEmpty { text += "batching_dims = \(axes.batch.left) x \(axes.batch.right), " }
        text += "contracting_dims = \(axes.contracted.left) x \(axes.contracted.right), "
        return text + "precision = [\(precision.rawValue), \(precision.rawValue)]"
    }

    static func convolution(_ window: ConvolutionWindow, _ precision: Precision, _ list: String) -> String {
        let axes = window.strides.indices.map { "\($0)" }.joined(separator: ", ")
        let padding = zip(window.low, window.high).map { "[\($0), \($1)]" }.joined(separator: ", ")
        return "stablehlo.convolution(\(list)) dim_numbers = [b, \(axes), f]x[o, i, \(axes)]->[b, \(axes), f], "
            + "window = {stride = \(window.strides), pad = [\(padding)]} {batch_group_count = 1 : i64, "
            + "feature_group_count = 1 : i64, precision_config = [#stablehlo<precision \(precision.rawValue)>, "
            + "#stablehlo<precision \(precision.rawValue)>]}"
    }

    static func gather(width: Int, _ list: String) -> String {
        "\"stablehlo.gather\"(\(list)) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], "
            + "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, "
            + "slice_sizes = array<i64: 1, \(width)>}>"
    }

    static func scatter(_ element: Element, _ list: String) -> String {
        "\"stablehlo.scatter\"(\(list)) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], "
            + "inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, "
            + "indices_are_sorted = false, unique_indices = false}> (\(sum(of: element)))"
    }

    static func allReduce(_ element: Element, _ replicas: Int, _ list: String) -> String {
        let group = (0..<replicas).map { "\($0)" }.joined(separator: ", ")
        return "\"stablehlo.all_reduce\"(\(list)) <{replica_groups = dense<[[\(group)]]> : tensor<1x\(replicas)xi64>}> "
            + "(\(sum(of: element)))"
    }

    /// A region that adds two numbers.
    private static func sum(of element: Element) -> String {
        let type = TensorType(element, [])
        return "{ ^bb0(%x: \(type), %y: \(type)): %s = stablehlo.add %x, %y : \(type) stablehlo.return %s : \(type) }"
    }
}
