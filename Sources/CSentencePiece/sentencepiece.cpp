#include "sentencepiece_c.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <sentencepiece_processor.h>

struct LamSentencePiece {
    sentencepiece::SentencePieceProcessor processor;
};

// No exception may reach the caller, which is not C++: every function ends in a catch-all.

LamSentencePiece *lam_sentencepiece_open(const void *bytes, size_t count, char *message, size_t capacity) {
    try {
        auto model = std::make_unique<LamSentencePiece>();
        const auto status =
            model->processor.LoadFromSerializedProto(absl::string_view(static_cast<const char *>(bytes), count));
        if (status.ok()) return model.release();
        std::snprintf(message, capacity, "%s", status.error_message());
    } catch (const std::exception &error) {
        std::snprintf(message, capacity, "%s", error.what());
    } catch (...) {
        std::snprintf(message, capacity, "unknown failure");
    }
    return nullptr;
}

void lam_sentencepiece_close(LamSentencePiece *model) { delete model; }

int lam_sentencepiece_size(const LamSentencePiece *model) { return model->processor.GetPieceSize(); }

int lam_sentencepiece_id(const LamSentencePiece *model, const char *piece, size_t count) {
    try {
        return model->processor.PieceToId(absl::string_view(piece, count));
    } catch (...) {
        return -1;
    }
}

int lam_sentencepiece_encode(const LamSentencePiece *model, const char *text, size_t count, void *context,
                             void (*visit)(void *context, const char *piece, size_t count)) {
    try {
        std::vector<std::string> pieces;
        if (!model->processor.Encode(absl::string_view(text, count), &pieces).ok()) return 1;
        for (const auto &piece : pieces) visit(context, piece.data(), piece.size());
        return 0;
    } catch (...) {
        return 1;
    }
}
