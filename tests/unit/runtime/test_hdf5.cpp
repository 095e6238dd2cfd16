#include "runtime/hdf5.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() { fs::create_directories(folder); }
  ~FileTest() override { fs::remove_all(folder); }
  /// The message of the Error that work throws.
  template <class Work>
  static std::string error_of(Work work) {
    try {
      work();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  static void expect_contains(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text << "\ndoes not contain: " << part;
  }
  void write_sample() const {
    File file = File::create(path);
    file.write_header({.kind = "dataset", .version = {2, 1}, .deck = "seed = 7\n", .seed = 7, .ranks = 4, .writer = "", .commit = ""});
    file.write("/observations", std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 2}, "V");
    file.write("/steps/index", std::vector<std::int64_t>{1, -2, std::numeric_limits<std::int64_t>::max()});
    file.commit();
  }

  const fs::path folder =
      fs::path(testing::TempDir()) / (std::string("gridfed_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  const fs::path path = folder / "sample.h5";
};

TEST_F(FileTest, NumbersShapesAndUnitsComeBack) {
  write_sample();
  const File file = File::open(path);
  EXPECT_EQ(file.read<float>("/observations"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.read<double>("observations"), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.shape("/observations"), (std::vector<hsize_t>{3, 2}));
  EXPECT_EQ(file.attribute<std::string>("/observations", "unit"), "V");
  EXPECT_EQ(file.read_rows<float>("/observations", 1, 2), (std::vector<float>{3, 4, 5, 6}));
  EXPECT_TRUE(file.read_rows<float>("/observations", 3, 0).empty());
  EXPECT_EQ(file.read<std::int64_t>("/steps/index").back(), std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(file.exists("/steps/index"));
  EXPECT_FALSE(file.exists("/steps/index/more"));
  EXPECT_FALSE(file.exists("/nothing/here"));
  EXPECT_EQ(file.children("/"), (std::vector<std::string>{"observations", "steps"}));
}

TEST_F(FileTest, EveryNumberTypeAndEmptyDatasetsComeBack) {
  File writer = File::create(path);
  writer.write("/bytes", std::vector<std::uint8_t>{0, 255});
  writer.write("/ints", std::vector<std::int32_t>{-1});
  writer.write("/wide", std::vector<std::uint64_t>{std::numeric_limits<std::uint64_t>::max()});
  writer.write("/none", std::vector<double>{}, {0, 4});
  writer.commit();
  const File file = File::open(path);
  EXPECT_EQ(file.read<std::uint8_t>("/bytes"), (std::vector<std::uint8_t>{0, 255}));
  EXPECT_EQ(file.read<float>("/bytes"), (std::vector<float>{0, 255}));
  EXPECT_EQ(file.read<std::int32_t>("/ints"), std::vector<std::int32_t>{-1});
  EXPECT_EQ(file.read<std::uint64_t>("/wide").front(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(file.read<double>("/none").empty());
  EXPECT_EQ(file.shape("/none"), (std::vector<hsize_t>{0, 4}));
}

TEST_F(FileTest, TextsAndAttributesComeBack) {
  const std::string large(100'000, 'x');  // beyond the 64 KiB of an old-style attribute
  File writer = File::create(path);
  writer.write_text("/note", "volts \xE2\x89\xA5 0.95");
  writer.write_texts("/names", std::vector<std::string>{"n1", "", "a longer name"});
  writer.write_text("/empty", "");
  writer.set_attribute("/group/inner", "gain", 0.1);
  writer.set_attribute("/note", "count", -3);
  writer.set_attribute("/", "deck", large);
  writer.set_attribute("/", "deck", large + "y");
  writer.commit();
  const File file = File::open(path);
  EXPECT_EQ(file.read_text("/note"), "volts \xE2\x89\xA5 0.95");
  EXPECT_EQ(file.read_texts("/names"), (std::vector<std::string>{"n1", "", "a longer name"}));
  EXPECT_EQ(file.read_text("/empty"), "");
  EXPECT_EQ(file.attribute<double>("/group/inner", "gain"), 0.1);
  EXPECT_EQ(file.attribute<std::int64_t>("/note", "count"), -3);
  EXPECT_EQ(file.attribute<std::string>("/", "deck"), large + "y");
  EXPECT_FALSE(file.has_attribute("/note", "unit"));
}

TEST_F(FileTest, HeaderSaysWhoWroteWhat) {
  write_sample();
  const File file = File::open(path);
  const FileHeader header = file.read_header();
  EXPECT_EQ(header.kind, "dataset");
  EXPECT_EQ(header.version, (Version{2, 1}));
  EXPECT_EQ(header.deck, "seed = 7\n");
  EXPECT_EQ(header.seed, 7u);
  EXPECT_EQ(header.ranks, 4);
  EXPECT_TRUE(header.writer.starts_with("gridfed ")) << header.writer;
  EXPECT_FALSE(header.commit.empty());
  EXPECT_NO_THROW(file.check_kind("dataset", 2));
  expect_contains(error_of([&] { file.check_kind("policy", 2); }), "is a dataset file written by gridfed");
  expect_contains(error_of([&] { file.check_kind("dataset", 1); }), "is of version 2.1, written by gridfed");
}

TEST_F(FileTest, EqualContentGivesEqualBytes) {
  const auto bytes = [&] {
    write_sample();
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(bytes(), bytes());
}

TEST_F(FileTest, UncommittedFileLeavesNothing) {
  {
    File file = File::create(path);
    file.write("/a", std::vector<double>{1});
    EXPECT_FALSE(fs::exists(path));
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(FileTest, UncommittedFileLeavesTheOldOne) {
  write_sample();
  error_of([&] {
    File file = File::create(path);
    throw Error("interrupted");
  });
  EXPECT_EQ(File::open(path).read_header().seed, 7u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
}

TEST_F(FileTest, MissingCorruptOrTruncatedFileIsOneSentence) {
  expect_contains(error_of([&] { File::open(folder / "absent.h5"); }), "absent.h5' (there is no such file): check the path");
  std::ofstream(path) << "not at all HDF5";
  expect_contains(error_of([&] { File::open(path); }), "sample.h5' (it is not an HDF5 file): pass a complete HDF5 file");
  write_sample();
  fs::resize_file(path, fs::file_size(path) / 2);
  expect_contains(error_of([&] { File::open(path); }), "truncated file");
  expect_contains(error_of([&] { File::create(folder / "no" / "x.h5"); }), "create it first");
}

TEST_F(FileTest, DamagedMetadataIsAnErrorNotACrash) {
  write_sample();
  const auto size = fs::file_size(path);
  for (std::uintmax_t at = 48; at < size; at += 16) {
    write_sample();
    {
      std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(static_cast<std::streamoff>(at));
      file.write("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    }
    try {
      const File file = File::open(path);
      (void)file.read_header();
      (void)file.read<float>("/observations");
      (void)file.read<std::int64_t>("/steps/index");
    } catch (const Error&) {
    }
  }
}

TEST_F(FileTest, MissingPathWrongTypeOrShapeNamesFilePathAndRemedy) {
  write_sample();
  const File file = File::open(path);
  expect_contains(error_of([&] { file.read<float>("/actions"); }),
                  "sample.h5' (the file holds only: observations, steps): check the kind and version of the file");
  expect_contains(error_of([&] { file.read<float>("/steps"); }), "cannot read '/steps' of '");
  expect_contains(error_of([&] { file.read<std::int32_t>("/observations"); }), "as integers (it holds real numbers)");
  expect_contains(error_of([&] { file.read<std::int32_t>("/steps/index"); }), "cannot read '/steps/index'");  // 2^63 - 1 does not fit
  expect_contains(error_of([&] { file.read_text("/observations"); }), "as text");
  expect_contains(error_of([&] { file.read_rows<float>("/observations", 2, 2); }), "cannot read rows 2 to 4");
  expect_contains(error_of([&] { file.attribute<double>("/observations", "gain"); }), "has no attribute 'gain'");
}

TEST_F(FileTest, MisuseWhileWritingIsAnError) {
  write_sample();
  File reader = File::open(path);
  expect_contains(error_of([&] { reader.write("/b", std::vector<double>{1}); }), "it is not open for writing");
  expect_contains(error_of([&] { reader.set_attribute("/", "gain", 1.0); }), "not open for writing");
  File file = File::create(folder / "new.h5");
  file.write("/a", std::vector<double>{1});
  expect_contains(error_of([&] { file.write("/a", std::vector<double>{1}); }), "it is already there");
  expect_contains(error_of([&] { file.write("/b", std::vector<double>{1, 2, 3}, {2, 2}); }), "3 values for a shape of 4");
}

}  // namespace
}  // namespace gridfed
