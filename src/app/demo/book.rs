//! The example book, as the program carries it.

use std::path::Path;

use super::DemoError;
use trialbook_language::load::find_root;

macro_rules! files {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!("../../../experiments/", $path)))),*]
    };
}

/// Every file of `experiments/`, by path.
const FILES: &[(&str, &str)] = files! {
    "checkout/bold-checkout-button.experiment.yaml"
    "checkout/checkout-button.flag.yaml"
    "checkout/checkout-flow.flag.yaml"
    "checkout/checkout.layer.yaml"
    "checkout/express-pay.experiment.yaml"
    "checkout/express-pay.flag.yaml"
    "checkout/gift-wrap.experiment.yaml"
    "checkout/gift-wrap.flag.yaml"
    "checkout/max-cart-items.flag.yaml"
    "checkout/one-page-checkout.experiment.yaml"
    "checkout/round-checkout-button.experiment.yaml"
    "checkout/sticky-cart.experiment.yaml"
    "checkout/sticky-cart.flag.yaml"
    "growth/app-users.segment.yaml"
    "growth/delivery-promise.experiment.yaml"
    "growth/delivery-promise.flag.yaml"
    "growth/employees.segment.yaml"
    "growth/free-shipping.experiment.yaml"
    "growth/free-shipping.flag.yaml"
    "growth/invoice-payment.experiment.yaml"
    "growth/invoice-payment.flag.yaml"
    "growth/newcomers.segment.yaml"
    "growth/nordics.segment.yaml"
    "growth/old-header.flag.yaml"
    "growth/price-format.flag.yaml"
    "growth/support-chat.flag.yaml"
    "home/guided-start.experiment.yaml"
    "home/hero.flag.yaml"
    "home/home-modules.flag.yaml"
    "home/home-recommendations.experiment.yaml"
    "home/home.layer.yaml"
    "home/image-format.flag.yaml"
    "home/image-format.rollout.yaml"
    "home/new-year-hero.experiment.yaml"
    "home/onboarding-tour.flag.yaml"
    "insights/2027-q1.holdout.yaml"
    "insights/account-exposures.source.yaml"
    "insights/account-orders.source.yaml"
    "insights/active-days.metric.yaml"
    "insights/checkout-start-rate.metric.yaml"
    "insights/conversion-rate.metric.yaml"
    "insights/crash-rate.metric.yaml"
    "insights/exposures.source.yaml"
    "insights/items-per-user.metric.yaml"
    "insights/largest-order.metric.yaml"
    "insights/orders-per-account.metric.yaml"
    "insights/page-views-per-user.metric.yaml"
    "insights/page-views.source.yaml"
    "insights/products-viewed.metric.yaml"
    "insights/purchases-per-user.metric.yaml"
    "insights/purchases.source.yaml"
    "insights/refund-rate.metric.yaml"
    "insights/revenue-per-user.metric.yaml"
    "insights/searches.source.yaml"
    "insights/slow-pages-per-user.metric.yaml"
    "insights/unpaid-accounts.metric.yaml"
    "search/empty-searches-per-user.metric.yaml"
    "search/filters-sidebar.experiment.yaml"
    "search/image-search.experiment.yaml"
    "search/image-search.flag.yaml"
    "search/result-reviews.flag.yaml"
    "search/result-reviews.rollout.yaml"
    "search/results-per-page.flag.yaml"
    "search/search-autocomplete.experiment.yaml"
    "search/search-click-rate.metric.yaml"
    "search/search-filters.flag.yaml"
    "search/search-ranking.flag.yaml"
    "search/search-suggestions.flag.yaml"
    "search/search.layer.yaml"
    "search/searches-per-user.metric.yaml"
    "search/semantic-search.experiment.yaml"
    "search/shoppers.segment.yaml"
    "trialbook.yaml"
};

/// Writes the example book to a folder that is not there yet, or empty, and commits it to a git repository of its own.
///
/// # Errors
///
/// Where the folder holds something, cannot be written, or git cannot commit.
pub fn write(dir: &Path) -> Result<(), DemoError> {
    let in_use = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if in_use || dir.is_file() {
        return Err(DemoError::NotEmpty);
    }
    let around = dir.ancestors().skip(1).find(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        folder.canonicalize().is_ok_and(|folder| find_root(&folder).is_ok())
    });
    if around.is_some() {
        return Err(DemoError::InsideBook);
    }
    for (path, text) in FILES {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    std::fs::write(dir.join(".gitignore"), "/live\n/outcomes\n/warehouse.duckdb*\n*.plan\n")?;
    commit(dir).map_err(DemoError::NotCommitted)
}

fn commit(dir: &Path) -> Result<(), git2::Error> {
    let repository = git2::Repository::init(dir)?;
    let mut index = repository.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    // 2026-10-30, before the demo's launch: the same commit id on every machine.
    let author =
        git2::Signature::new("trialbook demo", "demo@acme.test", &git2::Time::new(1_793_354_400, 0))?;
    repository.commit(Some("HEAD"), &author, &author, "Launch the experiments of November", &tree, &[])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_carries_every_file_of_the_example_book() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
        let entries = walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok);
        let mut found: Vec<String> = entries
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "yaml"))
            .filter_map(|entry| Some(entry.path().strip_prefix(&root).ok()?.to_string_lossy().into_owned()))
            .collect();
        found.sort();
        let mut carried: Vec<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        carried.sort();
        assert_eq!(carried, found);
    }
}
