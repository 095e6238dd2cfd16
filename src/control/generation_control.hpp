#pragma once

namespace gridfed {

/// Secondary control of frequency (AGC): every few seconds the reference of the turbines moves against the area control error,
/// ACE = B (f - f0) / f0, until none is left.
struct GenerationControlOptions {
  double nominal = 60;        ///< [Hz]
  double bias = 21;           ///< B: of governor and load, 1/R + D [p.u. power per p.u. frequency]
  double period = 4;          ///< between actions [s]
  double integral_time = 60;  ///< [s]
  double limit = 0.2;         ///< of the reference either way [p.u.]
};

class GenerationControl {
 public:
  explicit GenerationControl(const GenerationControlOptions& options = {});

  /// The reference after a time [s] at a measured frequency [Hz]; it moves at the end of each period.
  double act(double frequency, double seconds);
  double reference() const { return reference_; }  ///< [p.u.]

 private:
  GenerationControlOptions options_;
  double reference_ = 0, since_ = 0;
};

}  // namespace gridfed
