use super::*;

fn ask(server: &PrivateServer, sql: &str) -> String {
    let output = Command::new("mariadb")
        .args(["--no-defaults", "-uroot", "-BN", "-e", sql])
        .arg(option("socket", server.socket()))
        .output()
        .expect("the client runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_string()
}

#[test]
fn a_server_starts_keeps_its_data_and_ends_by_itself_when_dropped() {
    let temp = tempfile::tempdir().expect("a directory");
    // Too long for a socket's address: the socket moves elsewhere.
    let dir = temp.path().join("x".repeat(100));

    let server = PrivateServer::start(&dir).expect("it starts");
    assert!(server.socket().as_os_str().len() <= MAX_SOCKET_PATH);
    assert_ne!(server.port(), 0);
    // A server that starts removes what it takes for leftovers there: it must not find those of another.
    assert_eq!(ask(&server, "SELECT @@tmpdir"), server.dir().join("tmp").display().to_string());
    ask(
        &server,
        "CREATE DATABASE shop; CREATE TABLE shop.t (a INT) ENGINE=InnoDB; INSERT INTO shop.t VALUES (7)",
    );
    let (pid, socket) = (server.pid(), server.socket().to_path_buf());
    drop(server);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the process is gone");
    assert!(!socket.exists(), "so is its socket");

    let again = PrivateServer::start(&dir).expect("it starts on existing data");
    assert_eq!(ask(&again, "SELECT a FROM shop.t"), "7");
    again.stop().expect("it stops");
}

#[test]
fn a_server_left_by_a_killed_process_is_replaced() {
    let temp = tempfile::tempdir().expect("a directory");
    let lost = PrivateServer::start(temp.path()).expect("it starts");
    let pid = lost.pid();
    // The process id is still known to the directory, but nobody owns the server any more.
    let mut lost = std::mem::ManuallyDrop::new(lost);
    let waiter = std::thread::spawn(move || lost.child.wait());

    let server = PrivateServer::start(temp.path()).expect("it starts again");
    assert_ne!(server.pid(), pid);
    assert_eq!(ask(&server, "SELECT 1"), "1");
    waiter.join().expect("no panic").expect("the old one ended");
}

#[test]
fn a_server_that_cannot_start_says_why_from_its_log() {
    let temp = tempfile::tempdir().expect("a directory");
    let error =
        PrivateServer::start_with(temp.path(), &["--no-such-option=1"]).expect_err("it must not start");
    assert!(error.to_string().contains("no-such-option"), "{error}");
}
