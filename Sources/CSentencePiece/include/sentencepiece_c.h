#ifndef LAM_SENTENCEPIECE_H
#define LAM_SENTENCEPIECE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A loaded SentencePiece model. Reading functions may be called from several threads at a time.
typedef struct LamSentencePiece LamSentencePiece;

/// Loads a serialized model. Returns null, and what the library said as a C string in `message`, if it is none.
LamSentencePiece *lam_sentencepiece_open(const void *bytes, size_t count, char *message, size_t capacity);
void lam_sentencepiece_close(LamSentencePiece *model);

/// Number of pieces.
int lam_sentencepiece_size(const LamSentencePiece *model);

/// The id of a piece, that of the unknown piece if there is no such piece, -1 after an internal failure.
int lam_sentencepiece_id(const LamSentencePiece *model, const char *piece, size_t count);

/// Splits UTF-8 text into pieces and calls `visit` for each in order. Returns 0 on success.
int lam_sentencepiece_encode(const LamSentencePiece *model, const char *text, size_t count, void *context,
                             void (*visit)(void *context, const char *piece, size_t count));

#ifdef __cplusplus
}
#endif

#endif
