#include "fed/encrypted_exchange.hpp"

#include "runtime/error.hpp"

#include <array>

namespace gridfed {

namespace {

/// What the reduction needs to know; MPI hands its functions no more than a datatype, so it travels as an attribute of that.
struct Product {
  const PaillierPublicKey& key;
  std::exception_ptr failure;  // exceptions must not cross MPI
};

int attribute() {
  static const int key = [] {
    int created = MPI_KEYVAL_INVALID;
    check(MPI_Type_create_keyval(MPI_TYPE_NULL_COPY_FN, MPI_TYPE_NULL_DELETE_FN, &created, nullptr));
    return created;
  }();
  return key;
}

void multiply_ciphertexts(void* in, void* in_out, int* count, MPI_Datatype* type) {
  void* found = nullptr;
  int present = 0;
  MPI_Type_get_attr(*type, attribute(), &found, &present);
  auto& product = *static_cast<Product*>(found);
  try {
    for (int i = 0; i < *count; ++i) product.key.add(static_cast<Ciphertext*>(in_out)[i], static_cast<const Ciphertext*>(in)[i]);
  } catch (...) {
    product.failure = std::current_exception();
  }
}

class CiphertextType {
 public:
  explicit CiphertextType(Product& product) {
    check(MPI_Type_contiguous(static_cast<int>(sizeof(Ciphertext)), MPI_BYTE, &type_));
    check(MPI_Type_commit(&type_));
    check(MPI_Type_set_attr(type_, attribute(), &product));
    check(MPI_Op_create(multiply_ciphertexts, 1, &op_));
  }
  CiphertextType(const CiphertextType&) = delete;
  CiphertextType& operator=(const CiphertextType&) = delete;
  ~CiphertextType() {
    MPI_Op_free(&op_);
    MPI_Type_free(&type_);
  }
  MPI_Datatype type() const { return type_; }
  MPI_Op op() const { return op_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
  MPI_Op op_ = MPI_OP_NULL;
};

}  // namespace

EncryptedExchange::EncryptedExchange(const Communicator& comm) : comm_(comm), side_(comm.split(comm.rank() == 0 ? 0 : 1, comm.rank())) {
  std::array<PaillierPublicParts, 1> parts{};
  agreed(comm, [&] {
    if (comm.rank() == 0) parts[0] = holder_.emplace().public_parts();
  });
  comm.broadcast(std::span<PaillierPublicParts>(parts), 0);
  agreed(comm, [&] {
    if (comm.rank() != 0) key_.emplace(parts[0]);
  });
}

/// Collective on comm. On rank 0 the product of what all ranks bring.
void EncryptedExchange::multiply(std::vector<Ciphertext>& product) const {
  if (comm_.size() == 1) return;
  constexpr int holder = 0, collector = 1, tag = 0;
  std::vector<Ciphertext> of_others(product.size());
  std::exception_ptr failure;
  if (comm_.rank() != holder) {
    Product of_ranks{.key = *key_, .failure = nullptr};
    const CiphertextType ciphertext(of_ranks);
    const int count = static_cast<int>(product.size());
    check(MPI_Reduce(product.data(), of_others.data(), count, ciphertext.type(), ciphertext.op(), 0, side_.get()));
    failure = of_ranks.failure;
  }
  const int bytes = static_cast<int>(product.size() * sizeof(Ciphertext));
  if (comm_.rank() == holder) check(MPI_Send(product.data(), bytes, MPI_BYTE, collector, tag, comm_.get()));
  if (comm_.rank() == collector) check(MPI_Recv(product.data(), bytes, MPI_BYTE, holder, tag, comm_.get(), MPI_STATUS_IGNORE));
  agreed(comm_, [&] {
    if (failure) std::rethrow_exception(failure);
    for (std::size_t i = 0; i < product.size() && comm_.rank() == collector; ++i) key_->add(product[i], of_others[i]);
  });
  if (comm_.rank() == collector) check(MPI_Send(product.data(), bytes, MPI_BYTE, holder, tag, comm_.get()));
  if (comm_.rank() == holder) check(MPI_Recv(product.data(), bytes, MPI_BYTE, collector, tag, comm_.get(), MPI_STATUS_IGNORE));
}

std::vector<std::int64_t> EncryptedExchange::sum(const SlotPacking& packing, std::span<const std::int64_t> own, int clients,
                                                 int total) const {
  std::vector<Ciphertext> product;
  agreed(comm_, [&] {
    for (const Plaintext& text : packing.pack(own, clients)) {
      product.push_back(clients == 0 ? Ciphertext{1} : holder_ ? holder_->encrypt(text) : key_->encrypt(text));  // 1 changes no product
    }
  });
  multiply(product);
  std::vector<std::int64_t> result(own.size());
  agreed(comm_, [&] {
    if (!holder_) return;
    std::vector<Plaintext> texts;
    for (const Ciphertext& ciphertext : product) texts.push_back(holder_->decrypt(ciphertext));
    result = packing.unpack(texts, own.size(), total);
  });
  comm_.broadcast(std::span(result), 0);
  return result;
}

}  // namespace gridfed
