//! The tree against a naive recursive reading of RFC 6962, chapter 2.

use proptest::prelude::*;

use super::*;
use crate::custody::parts::MerkleTree;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

fn naive_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => sha256(b""),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            node_hash(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
        }
    }
}

fn tree(leaves: &[Digest]) -> MerkleTree {
    let mut tree = MerkleTree::new();
    for leaf in leaves {
        tree.push(*leaf);
    }
    tree
}

#[test]
fn the_roots_of_certificate_transparencys_test_leaves_are_the_published_ones() {
    let inputs: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let hashes: Vec<Digest> =
        inputs.iter().map(|hex| leaf_hash(&data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap())).collect();
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (size, expected) in roots.iter().enumerate() {
        assert_eq!(tree(&hashes[..size]).root().to_string(), *expected);
    }
}

proptest! {
    #[test]
    fn every_root_is_the_naive_one(size in 0_u64..600) {
        let leaves = leaves(size);
        prop_assert_eq!(tree(&leaves).root(), naive_root(&leaves));
    }

    #[test]
    fn a_leaf_of_any_tree_proves_its_place_and_no_other(size in 1_u64..600, pick in any::<u64>(), bit in 0_usize..256) {
        let leaves = leaves(size);
        let tree = tree(&leaves);
        let index = pick % size;
        let leaf = leaves[usize::try_from(index).unwrap()];
        let root = naive_root(&leaves);
        let proof = tree.prove(index).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        prop_assert!(verify_inclusion(&leaf, (index + 1) % (size + 1), size, &proof, &root).is_err());
        let mut forged = leaf;
        forged.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify_inclusion(&forged, index, size, &proof, &root).is_err());
        let mut longer = proof.clone();
        longer.push(leaf);
        prop_assert!(verify_inclusion(&leaf, index, size, &longer, &root).is_err());
        if !proof.is_empty() {
            prop_assert!(verify_inclusion(&leaf, index, size, &proof[1..], &root).is_err());
        }
    }

    #[test]
    fn any_beginning_of_a_tree_is_proven_to_be_one_and_another_is_not(new in 0_u64..600, pick in any::<u64>()) {
        let old = pick % (new + 1);
        let leaves = leaves(new);
        let tree = tree(&leaves);
        let older = naive_root(&leaves[..usize::try_from(old).unwrap()]);
        let newer = naive_root(&leaves);
        let proof = tree.prove_consistency(old).unwrap();
        prop_assert_eq!(verify_consistency(old, &older, new, &newer, &proof), Ok(()));
        let other = sha256(b"rewritten");
        prop_assert!(verify_consistency(old, &other, new, &newer, &proof).is_err());
        if old != 0 {
            prop_assert!(verify_consistency(old, &older, new, &other, &proof).is_err());
        }
        let mut longer = proof.clone();
        longer.push(other);
        prop_assert!(verify_consistency(old, &older, new, &newer, &longer).is_err());
    }

    #[test]
    fn checking_an_arbitrary_proof_never_panics(
        numbers in any::<[u64; 2]>(), hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let proof: Vec<Digest> = hashes.into_iter().map(Digest).collect();
        let leaf = sha256(b"leaf");
        prop_assert!(verify_inclusion(&leaf, numbers[0], numbers[1], &proof, &leaf).is_err()
            || (numbers == [0, 1] && proof.is_empty()));
        let _ = verify_consistency(numbers[0], &leaf, numbers[1], &leaf, &proof);
    }
}
